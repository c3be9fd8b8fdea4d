import { inflateRawSync } from 'node:zlib'

import { AppError } from '../errors.ts'
import type { AvroSchema, AvroValue } from './schema.ts'
import { avroMagic, isUnion, syncBytes } from './write.ts'

export interface AvroFile {
  readonly metadata: ReadonlyMap<string, string>
  readonly records: readonly AvroValue[]
}

/** What a block may inflate to: far above what anybody writes, and far below what breaks a process. */
const blockBytesMax = 64 << 20

/** Deeper schemas are hostile. */
const depthMax = 32

/**
 * Reads an object container file that somebody else wrote. What is not one, or is compressed as we cannot read it, fails with
 * `body_malformed` or `unsupported_encoding`; `name` says in the message which file it is.
 */
export function readAvroFile(name: string, bytes: Uint8Array): AvroFile {
  try {
    return readFile(name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('body_malformed', `The Avro file ${name} cannot be read: ${String(error)}.`, {
      hint: 'Write it anew.',
      cause: error,
    })
  }
}

function readFile(name: string, bytes: Buffer): AvroFile {
  const file = new AvroReader(bytes)
  if (!file.raw(avroMagic.byteLength).equals(avroMagic)) throw new Error('it does not begin like one')
  const header = file.value({ type: 'map', values: 'bytes' }, 0) as Record<string, Buffer>
  const metadata = new Map(Object.entries(header).map(([key, value]) => [key, value.toString('utf8')]))
  const schema = resolveNames(JSON.parse(metadata.get('avro.schema') ?? 'null'), new Map(), 0)
  const codec = metadata.get('avro.codec') ?? 'null'
  const sync = file.raw(syncBytes)
  const records: AvroValue[] = []
  while (!file.isAtEnd()) {
    const count = file.count()
    const inflated = inflate(name, codec, file.bytes())
    if (count > inflated.byteLength) throw new Error('a block announces more records than it has bytes')
    const block = new AvroReader(inflated)
    for (let index = 0; index < count; index += 1) records.push(block.value(schema, 0))
    if (!block.isAtEnd()) throw new Error('a block has bytes behind its records')
    if (!file.raw(syncBytes).equals(sync)) throw new Error('a block does not end with the mark of the file')
  }
  return { metadata, records }
}

function inflate(name: string, codec: string, bytes: Buffer): Buffer {
  switch (codec) {
    case 'null':
      return bytes
    case 'deflate':
      return inflateRawSync(bytes, { maxOutputLength: blockBytesMax })
    default:
      throw new AppError('unsupported_encoding', `The Avro file ${name} is compressed with ${codec}.`, {
        hint: 'Write it with the codec deflate or null.',
      })
  }
}

/** Puts the definition in the place of each name that refers to one, and leaves out what decoding does not need. */
function resolveNames(schema: unknown, named: Map<string, AvroSchema>, depth: number): AvroSchema {
  if (depth > depthMax) throw new Error('its schema nests too deeply')
  if (typeof schema === 'string') return named.get(schema) ?? primitive(schema)
  if (Array.isArray(schema)) return schema.map((branch) => resolveNames(branch, named, depth + 1))
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) throw new Error('it has no schema')
  const { type, name } = schema as { type: unknown; name?: unknown }
  const resolved = resolveDefinition(type, String(name), schema, named, depth)
  if (typeof name === 'string') named.set(name, resolved)
  return resolved
}

function resolveDefinition(
  type: unknown,
  name: string,
  parts: object,
  named: Map<string, AvroSchema>,
  depth: number,
): AvroSchema {
  const { fields, items, values, size, symbols } = parts as Record<string, unknown>
  const inner = (part: unknown): AvroSchema => resolveNames(part, named, depth + 1)
  switch (type) {
    case 'record': {
      const known = fields as readonly { name: string; type: unknown }[]
      return { type, name, fields: known.map((field) => ({ name: field.name, type: inner(field.type) })) }
    }
    case 'array':
      return { type, items: inner(items) }
    case 'map':
      return { type, values: inner(values) }
    case 'fixed':
      return { type, name, size: Number(size) }
    case 'enum':
      return { type, name, symbols: (symbols as readonly unknown[]).map(String) }
    default:
      return inner(type)
  }
}

function primitive(name: string): AvroSchema {
  switch (name) {
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'bytes':
    case 'string':
      return name
    default:
      throw new Error(`its schema names the unknown type ${JSON.stringify(name)}`)
  }
}

/** Reads values in Avro's binary encoding; whatever does not fit throws. */
class AvroReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  isAtEnd(): boolean {
    return this.#at === this.#buffer.byteLength
  }

  value(schema: AvroSchema, depth: number): AvroValue {
    if (depth > depthMax) throw new Error('its values nest too deeply')
    if (typeof schema === 'string') return this.#primitive(schema)
    if (isUnion(schema)) {
      const branch = schema[this.count()]
      if (branch === undefined) throw new Error('a union has no such branch')
      return this.value(branch, depth + 1)
    }
    switch (schema.type) {
      case 'record':
        return Object.fromEntries(schema.fields.map((field) => [field.name, this.value(field.type, depth + 1)]))
      case 'array':
        return this.#items(() => this.value(schema.items, depth + 1))
      case 'map':
        return Object.fromEntries(
          this.#items(() => [this.bytes().toString('utf8'), this.value(schema.values, depth + 1)] as const),
        )
      case 'fixed':
        return this.raw(schema.size)
      case 'enum':
        return schema.symbols[this.count()] ?? null
    }
  }

  #primitive(schema: string): AvroValue {
    switch (schema) {
      case 'null':
        return null
      case 'boolean':
        return this.raw(1)[0] === 1
      case 'int':
      case 'long':
        return this.long()
      case 'float':
        return this.raw(4).readFloatLE()
      case 'double':
        return this.raw(8).readDoubleLE()
      case 'bytes':
        return this.bytes()
      default:
        return this.bytes().toString('utf8')
    }
  }

  #items<T>(read: () => T): T[] {
    const items: T[] = []
    for (;;) {
      const announced = this.long()
      if (announced === 0) return items
      // A negative count is followed by the size of the block, for readers that skip it.
      if (announced < 0) this.long()
      const count = Math.abs(Number(announced))
      if (count > this.#buffer.byteLength - this.#at) throw new Error('it announces more items than it has bytes')
      for (let index = 0; index < count; index += 1) items.push(read())
    }
  }

  long(): number | bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.raw(1)[0] as number
      value |= BigInt(byte & 0x7f) << shift
      if (byte >= 0x80) continue
      const signed = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
      const number = Number(signed)
      return Number.isSafeInteger(number) ? number : signed
    }
    throw new Error('a number has more than ten bytes')
  }

  count(): number {
    const count = Number(this.long())
    if (count < 0 || !Number.isSafeInteger(count)) throw new Error('a count is negative')
    return count
  }

  bytes(): Buffer {
    return this.raw(this.count())
  }

  raw(bytes: number): Buffer {
    if (bytes > this.#buffer.byteLength - this.#at) throw new Error('it ends too early')
    this.#at += bytes
    return this.#buffer.subarray(this.#at - bytes, this.#at)
  }
}
