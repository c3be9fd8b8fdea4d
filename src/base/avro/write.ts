import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'

import { assert, must } from '../errors.ts'
import type { AvroSchema, AvroValue } from './schema.ts'

export const avroMagic = Buffer.from('Obj\u0001', 'latin1')
export const syncBytes = 16

/** Blocks of this size, before compression, keep readers from holding a whole file in memory. */
const blockBytesTarget = 64 << 10

/** An object container file with the records, compressed, and with `metadata` beside the schema in its header. */
export function writeAvroFile(
  schema: AvroSchema,
  records: Iterable<AvroValue>,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const header = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' }
  // Any 16 bytes that data does not hold by chance will do; those of the header make equal files equal.
  const sync = createHash('sha256').update(JSON.stringify(header)).digest().subarray(0, syncBytes)
  const file = new AvroWriter()
  file.raw(avroMagic)
  file.value(
    { type: 'map', values: 'bytes' },
    mapValues(header, (text) => Buffer.from(text)),
  )
  file.raw(sync)
  let block = new AvroWriter()
  let count = 0
  const endBlock = (): void => {
    if (count === 0) return
    file.long(count)
    file.bytes(deflateRawSync(block.take()))
    file.raw(sync)
    block = new AvroWriter()
    count = 0
  }
  for (const record of records) {
    block.value(schema, record)
    count += 1
    if (block.length >= blockBytesTarget) endBlock()
  }
  endBlock()
  return file.take()
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}

/** Writes values in Avro's binary encoding. A value that does not fit its schema is a bug of the caller. */
class AvroWriter {
  #buffer = Buffer.allocUnsafe(4096)
  length = 0

  take(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  value(schema: AvroSchema, value: AvroValue): void {
    if (typeof schema === 'string') return this.#primitive(schema, value)
    if (isUnion(schema)) {
      const branch = schema.findIndex((each) => fits(each, value))
      this.long(branch)
      return this.value(must(schema[branch], 'a value fits one of the branches of its union'), value)
    }
    switch (schema.type) {
      case 'record':
        for (const field of schema.fields) this.value(field.type, asRecord(value)[field.name] ?? null)
        return
      case 'array':
        assert(Array.isArray(value), 'an array is written as one')
        return this.#items(value, (item) => this.value(schema.items, item))
      case 'map':
        return this.#items(Object.entries(asRecord(value)), ([key, item]) => {
          this.bytes(Buffer.from(key))
          this.value(schema.values, item)
        })
      case 'fixed':
        assert(value instanceof Uint8Array && value.byteLength === schema.size, 'fixed bytes have their size')
        return this.raw(value)
      case 'enum':
        return this.long(schema.symbols.findIndex((symbol) => symbol === value))
    }
  }

  #primitive(schema: AvroSchema, value: AvroValue): void {
    switch (schema) {
      case 'null':
        assert(value === null, 'null is written as null')
        return
      case 'boolean':
        return this.raw(Uint8Array.of(value === true ? 1 : 0))
      case 'int':
      case 'long':
        assert(typeof value === 'number' || typeof value === 'bigint', 'an integer is written as one')
        return this.long(value)
      case 'float':
        return this.raw(new Uint8Array(Float32Array.of(Number(value)).buffer))
      case 'double':
        return this.raw(new Uint8Array(Float64Array.of(Number(value)).buffer))
      case 'bytes':
        assert(value instanceof Uint8Array, 'bytes are written as bytes')
        return this.bytes(value)
      default:
        assert(typeof value === 'string', 'text is written as text')
        return this.bytes(Buffer.from(value))
    }
  }

  /** One block with all items, and the empty one that ends them. */
  #items<T>(items: readonly T[], write: (item: T) => void): void {
    if (items.length > 0) {
      this.long(items.length)
      for (const item of items) write(item)
    }
    this.long(0)
  }

  /** Zigzag, in groups of seven bits, the lowest first. */
  long(value: number | bigint): void {
    this.#reserve(10)
    if (typeof value === 'number' && value >= -0x4000_0000 && value < 0x4000_0000) {
      let rest = (value << 1) ^ (value >> 31)
      for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.length++] = (rest & 0x7f) | 0x80
      this.#buffer[this.length++] = rest
      return
    }
    const wide = BigInt(value)
    let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.length++] = Number(rest & 0x7fn) | 0x80
    this.#buffer[this.length++] = Number(rest)
  }

  bytes(bytes: Uint8Array): void {
    this.long(bytes.byteLength)
    this.raw(bytes)
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#buffer.set(bytes, this.length)
    this.length += bytes.byteLength
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.byteLength * 2, this.length + bytes))
    this.#buffer.copy(larger, 0, 0, this.length)
    this.#buffer = larger
  }
}

export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema)
}

/** Unions of ours are of null and one other type; other unions take the first branch of the value's sort. */
function fits(schema: AvroSchema, value: AvroValue): boolean {
  if (schema === 'null' || value === null) return schema === 'null' && value === null
  const type = typeof schema === 'string' || isUnion(schema) ? schema : schema.type
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'string' || type === 'enum') return typeof value === 'string'
  if (type === 'bytes' || type === 'fixed') return value instanceof Uint8Array
  if (type === 'array') return Array.isArray(value)
  if (type === 'record' || type === 'map') return typeof value === 'object' && !Array.isArray(value)
  return typeof value === 'number' || typeof value === 'bigint'
}

function asRecord(value: AvroValue): { readonly [name: string]: AvroValue } {
  assert(
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array),
    'a record is written as an object',
  )
  return value as { readonly [name: string]: AvroValue }
}
