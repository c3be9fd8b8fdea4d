import type { ByteSink } from './byte-sink.ts'

/** The types of Thrift's compact protocol that Parquet's metadata uses (thrift-compact-protocol.md, "Struct encoding"). */
const wireType = { true: 1, false: 2, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const

/**
 * A struct of Parquet's metadata being written. Fields are given in ascending order of their ids and are written as they
 * come: the header holds the distance to the field before.
 */
export class ThriftStruct {
  readonly #sink: ByteSink
  #lastId = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  #header(id: number, type: number): void {
    this.#sink.byte(((id - this.#lastId) << 4) | type)
    this.#lastId = id
  }

  boolean(id: number, value: boolean): this {
    this.#header(id, value ? wireType.true : wireType.false)
    return this
  }

  i16(id: number, value: number): this {
    this.#header(id, wireType.i16)
    putZigzag(this.#sink, value)
    return this
  }

  i32(id: number, value: number): this {
    this.#header(id, wireType.i32)
    putZigzag(this.#sink, value)
    return this
  }

  i64(id: number, value: number): this {
    this.#header(id, wireType.i64)
    putZigzag(this.#sink, value)
    return this
  }

  binary(id: number, value: Uint8Array): this {
    this.#header(id, wireType.binary)
    putVarint(this.#sink, value.length)
    this.#sink.append(value)
    return this
  }

  text(id: number, value: string): this {
    return this.binary(id, Buffer.from(value))
  }

  struct(id: number, write: (inner: ThriftStruct) => void): this {
    this.#header(id, wireType.struct)
    putStruct(this.#sink, write)
    return this
  }

  structs<Item>(id: number, items: readonly Item[], write: (inner: ThriftStruct, item: Item) => void): this {
    this.#listHeader(id, items.length, wireType.struct)
    for (const item of items) putStruct(this.#sink, (inner) => write(inner, item))
    return this
  }

  i32s(id: number, items: readonly number[]): this {
    this.#listHeader(id, items.length, wireType.i32)
    for (const item of items) putZigzag(this.#sink, item)
    return this
  }

  texts(id: number, items: readonly string[]): this {
    this.#listHeader(id, items.length, wireType.binary)
    for (const item of items) {
      const bytes = Buffer.from(item)
      putVarint(this.#sink, bytes.length)
      this.#sink.append(bytes)
    }
    return this
  }

  #listHeader(id: number, size: number, elementType: number): void {
    this.#header(id, wireType.list)
    if (size < 15) return this.#sink.byte((size << 4) | elementType)
    this.#sink.byte(0xf0 | elementType)
    putVarint(this.#sink, size)
  }
}

export function putStruct(sink: ByteSink, write: (struct: ThriftStruct) => void): void {
  write(new ThriftStruct(sink))
  sink.byte(0)
}

/** An unsigned number below 2^53, seven bits a byte, the lowest first (ULEB128). */
export function putVarint(sink: ByteSink, value: number): void {
  let rest = value
  while (rest >= 0x80) {
    sink.byte((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  sink.byte(rest)
}

export function putZigzag(sink: ByteSink, value: number): void {
  putVarint(sink, value < 0 ? -2 * value - 1 : 2 * value)
}
