import { familyOf, lengthBytesOf, sizeOf } from './formats.ts'
import type { MsgpackFamily } from './formats.ts'

/** One value of MessagePack: where its payload lies, and for arrays and maps how many values or pairs follow. */
export interface MsgpackValue {
  readonly family: MsgpackFamily
  /** Where the value begins, its header included. */
  readonly at: number
  /** The payload; of arrays and maps where their first value begins, twice. */
  readonly start: number
  readonly end: number
  readonly count: number
}

/** The bytes are not MessagePack, or end inside of a value. */
export class BrokenMsgpack extends Error {
  override readonly name = 'BrokenMsgpack'
}

/** Goes over values one after the other, for codecs that pick a few of them. Fails with `BrokenMsgpack`. */
export class MsgpackWalker {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  /** Reads a header, and the payload with it: what is inside of arrays and maps comes next. */
  next(): MsgpackValue {
    const { at } = this
    const first = this.#bytes[at]
    if (first === undefined) throw new BrokenMsgpack('the bytes end before the value')
    const family = familyOf[first] as MsgpackFamily
    if (family === 'unused') throw new BrokenMsgpack('byte 0xC1, which MessagePack never uses')
    const lengthBytes = lengthBytesOf[first] as number
    const start = at + 1 + lengthBytes
    if (start > this.#bytes.byteLength) throw new BrokenMsgpack('the bytes end inside of a value')
    const said = lengthBytes === 0 ? 0 : this.#bytes.readUIntBE(at + 1, lengthBytes)
    const size = (sizeOf[first] as number) + said
    const isNested = family === 'array' || family === 'map'
    const end = isNested ? start : start + size
    if (end > this.#bytes.byteLength) throw new BrokenMsgpack('the bytes end inside of a value')
    this.at = end
    return { family, at, start, end, count: isNested ? size : 0 }
  }

  /** Goes over a value and all that is inside of it, however deep. */
  skip(): void {
    for (let values = 1; values > 0; values -= 1) {
      const { family, count } = this.next()
      values += family === 'map' ? count * 2 : count
    }
  }
}
