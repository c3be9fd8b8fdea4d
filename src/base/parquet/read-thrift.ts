import { depthMax, types } from './thrift-types.ts'

/** A value of Thrift's compact protocol; a struct is a map from field ids. */
export type ThriftValue = boolean | bigint | number | Buffer | readonly ThriftValue[] | ThriftFields

export type ThriftFields = ReadonlyMap<number, ThriftValue>

/** Reads the struct at the start of `bytes`. Whatever does not fit throws. */
export function readThrift(bytes: Buffer): ThriftFields {
  return new ThriftReader(bytes).struct(0)
}

class ThriftReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  struct(depth: number): ThriftFields {
    if (depth > depthMax) throw new Error('it nests too deeply')
    const fields = new Map<number, ThriftValue>()
    for (let id = 0; ;) {
      const header = this.#byte()
      const type = header & 0x0f
      if (type === types.stop) return fields
      // The high half is how far the id is from the one before; zero where the id follows.
      id = header >> 4 === 0 ? Number(this.#zigzag()) : id + (header >> 4)
      fields.set(id, this.#value(type, depth))
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case types.yes:
        return true
      case types.no:
        return false
      case types.byte:
        return this.#byte()
      case types.i16:
      case types.i32:
      case types.i64:
        return this.#zigzag()
      case types.double:
        return this.#take(8).readDoubleLE()
      case types.binary:
        return this.#take(this.#length())
      case types.list:
      case types.set:
        return this.#list(depth)
      case types.struct:
        return this.struct(depth + 1)
      default:
        throw new Error(`it has a field of the type ${type}`)
    }
  }

  #list(depth: number): ThriftValue[] {
    const header = this.#byte()
    const size = header >> 4 === 15 ? this.#length() : header >> 4
    const type = header & 0x0f
    // Each element takes a byte at least.
    if (size > this.#bytes.byteLength - this.#at) throw new Error('it ends too early')
    const isBoolean = type === types.yes || type === types.no
    return Array.from({ length: size }, () => (isBoolean ? this.#byte() === types.yes : this.#value(type, depth + 1)))
  }

  #zigzag(): bigint {
    const value = this.#varint()
    return (value >> 1n) ^ -(value & 1n)
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Error('a number has more than ten bytes')
  }

  #length(): number {
    return Number(this.#varint())
  }

  #byte(): number {
    return this.#take(1).readUInt8()
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.byteLength - this.#at) throw new Error('it ends too early')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
