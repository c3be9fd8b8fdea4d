import type { Memory } from '../../base/kept-memory.ts'
import { foldedName } from '../../base/names.ts'
import type { LogicalType } from '../../store/types.ts'
import { isScalar } from '../../store/types.ts'
import type { ScalarWriter, TypedWriter } from './column-writers.ts'
import { createScalarWriter } from './column-writers.ts'
import { ArrayBuilder, MapBuilder, RowBuilder } from './nested-builders.ts'
import type { NestedValues } from './nested-values.ts'
import type { NodeTape } from './node-tape.ts'
import { shape } from './node-tape.ts'
import { SparseWriter } from './sparse-writer.ts'
import type { ValueTape } from './value-tape.ts'
import { textOf, valueKind } from './value-tape.ts'
import type { Cell, VectorBuilder } from './vector-builders.ts'

/** The writer of a column of any type. Nested values are read by `values` first; all others lie in `memory`. */
export function createWriter(type: LogicalType, values: NestedValues, memory: Memory): TypedWriter {
  if (isScalar(type)) return createScalarWriter(type, memory)
  return new NestedWriter(createInnerWriter(type), values)
}

/**
 * Takes nested values whole or not at all: where something inside does not fit exactly, the column is null, and the value is
 * rescued as it came.
 */
class NestedWriter implements TypedWriter {
  readonly builder: VectorBuilder
  readonly #whole: InnerWriter
  readonly #values: NestedValues

  constructor(whole: InnerWriter, values: NestedValues) {
    this.builder = whole.builder
    this.#whole = whole
    this.#values = values
  }

  take(tape: ValueTape, field: number, row: number): boolean {
    const values = this.#values
    const kind = tape.kinds[field]
    const isText = kind === valueKind.string || kind === valueKind.escaped
    if (kind === valueKind.nested) return values.read(tape, field) && this.#whole.take(values.tape, 0, row)
    if (!isText || !tape.textMayBeNested) return false
    return values.readText(tape, field) && this.#whole.take(values.tape, 0, row)
  }
}

/**
 * A writer of what lies on the tape of nodes. A scalar that does not fit may be there nearly: then its row is to be cleared. The
 * others leave nothing behind of what does not fit.
 */
interface InnerWriter {
  readonly builder: VectorBuilder
  take(tape: NodeTape, node: number, row: number): boolean
}

function createInnerWriter(type: LogicalType): InnerWriter {
  switch (type.kind) {
    case 'array':
      return new ArrayWriter(createInnerWriter(type.element))
    case 'map':
      return new MapWriter(type.key, createInnerWriter(type.value))
    case 'row':
      return new RowWriter(type.fields)
    default:
      return createScalarWriter(type)
  }
}

class ArrayWriter implements InnerWriter {
  readonly builder: ArrayBuilder
  readonly #element: InnerWriter

  constructor(element: InnerWriter) {
    this.builder = new ArrayBuilder(element.builder)
    this.#element = element
  }

  take(tape: NodeTape, node: number, row: number): boolean {
    if (tape.shapes[node] !== shape.array) return false
    const first = this.builder.count
    const end = tape.nexts[node] as number
    let place = first
    for (let child = node + 1; child < end; child = tape.nexts[child] as number) {
      if (tape.kinds[child] !== valueKind.null && !this.#element.take(tape, child, place)) {
        this.#element.builder.clear(first, place + 1)
        return false
      }
      place += 1
    }
    this.builder.set(row, place)
    return true
  }
}
class MapWriter implements InnerWriter {
  readonly builder: MapBuilder
  /** Undefined where keys would be nested: records have none of these. */
  readonly #key: ScalarWriter | undefined
  readonly #keys: VectorBuilder
  readonly #value: InnerWriter
  /** The keys of the map at hand. */
  readonly #seen = new Set<Cell>()

  constructor(key: LogicalType, value: InnerWriter) {
    this.#key = isScalar(key) ? createScalarWriter(key) : undefined
    this.#keys = this.#key?.builder ?? createInnerWriter(key).builder
    this.#value = value
    this.builder = new MapBuilder(this.#keys, value.builder)
  }

  take(tape: NodeTape, node: number, row: number): boolean {
    if (tape.shapes[node] !== shape.map) return false
    const first = this.builder.count
    const end = tape.nexts[node] as number
    let place = first
    this.#seen.clear()
    for (let key = node + 1; key < end;) {
      const value = tape.nexts[key] as number
      if (!this.#takeEntry(tape, key, value, place)) {
        this.#keys.clear(first, place + 1)
        this.#value.builder.clear(first, place + 1)
        return false
      }
      place += 1
      key = tape.nexts[value] as number
    }
    this.builder.set(row, place)
    return true
  }

  /** False where the key is none, or the map has it already: no map of SQL holds it twice. */
  #takeEntry(tape: NodeTape, key: number, value: number, place: number): boolean {
    const writer = this.#key
    if (writer === undefined || tape.kinds[key] === valueKind.null || !writer.take(tape, key, place)) return false
    const cell = writer.builder.cell(place)
    if (this.#seen.has(cell)) return false
    this.#seen.add(cell)
    return tape.kinds[value] === valueKind.null || this.#value.take(tape, value, place)
  }
}

interface Field {
  readonly name: Buffer
  readonly writer: InnerWriter
  /** The number of the last row value that had the field. */
  lastTaken: number
}

class RowWriter implements InnerWriter {
  readonly builder: RowBuilder
  readonly #fields: readonly Field[]
  readonly #byName = new Map<string, number>()
  readonly #byFoldedName = new Map<string, number>()
  #taken = 0

  constructor(fields: readonly { readonly name: string; readonly type: LogicalType }[]) {
    this.#fields = fields.map(({ name, type }) => {
      return { name: Buffer.from(name), writer: new SparseWriter(createInnerWriter(type)), lastTaken: 0 }
    })
    this.builder = new RowBuilder(this.#fields.map(({ writer }) => writer.builder))
    for (const [index, { name }] of fields.entries()) {
      this.#byName.set(name, index)
      this.#byFoldedName.set(foldedName(name), index)
    }
  }

  take(tape: NodeTape, node: number, row: number): boolean {
    if (tape.shapes[node] !== shape.map) return false
    const end = tape.nexts[node] as number
    this.#taken += 1
    let expected = 0
    for (let key = node + 1; key < end;) {
      const value = tape.nexts[key] as number
      const index = this.#fieldOf(tape, key, expected)
      if (!this.#takeField(tape, this.#fields[index], value, row)) {
        this.#clear(row)
        return false
      }
      expected = index + 1
      key = tape.nexts[value] as number
    }
    this.builder.set(row)
    return true
  }

  /** A field that the type lacks is only taken where it is null, and no field is taken twice. */
  #takeField(tape: NodeTape, field: Field | undefined, value: number, row: number): boolean {
    const isNull = tape.kinds[value] === valueKind.null
    if (field === undefined) return isNull
    if (field.lastTaken === this.#taken) return false
    field.lastTaken = this.#taken
    return isNull || field.writer.take(tape, value, row)
  }

  #clear(row: number): void {
    for (const { lastTaken, writer } of this.#fields) {
      if (lastTaken === this.#taken) writer.builder.clear(row, row + 1)
    }
  }

  /** The field of a key: mostly the one behind the field before. By its exact name, else by the name as SQL folds it. */
  #fieldOf(tape: NodeTape, key: number, expected: number): number {
    const kind = tape.kinds[key]
    if (kind !== valueKind.string && kind !== valueKind.escaped && kind !== valueKind.binary) return -1
    if (kind === valueKind.escaped) tape.locateText(key)
    const isPlain = kind !== valueKind.escaped
    const bytes = isPlain ? tape.bytes : tape.textBytes
    const start = isPlain ? (tape.starts[key] as number) : tape.textStart
    const end = isPlain ? (tape.ends[key] as number) : tape.textEnd
    const likely = this.#fields[expected]?.name
    if (likely !== undefined && isSame(bytes, start, end, likely)) return expected
    const name = textOf(bytes, start, end)
    return this.#byName.get(name) ?? this.#byFoldedName.get(foldedName(name)) ?? -1
  }
}

function isSame(bytes: Uint8Array, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false
  for (let index = 0; index < name.length; index += 1) if (bytes[start + index] !== name[index]) return false
  return true
}
