import { familyOf, lengthBytesOf, sizeOf } from '../../base/msgpack/formats.ts'
import type { MsgpackFamily } from '../../base/msgpack/formats.ts'
import type { Failure } from './failure.ts'
import { isUtf8Range } from './utf8.ts'

/** What stands instead of the end of a value that cannot be read. */
export const unreadable = -1

/**
 * The header of one value: `family`, where its payload lies, and for arrays and maps `count`, how many values or pairs follow.
 * One object that is written anew, because there is one header per value.
 */
export class MsgpackScanner {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly #depthMax: number
  /** How many values are still to come on each open level, outermost first. */
  readonly #remaining: Float64Array
  failure: Failure = { reason: 'msgpack_syntax', detail: '' }
  family: MsgpackFamily = 'nil'
  start = 0
  end = 0
  count = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#depthMax = depthMax
    this.#remaining = new Float64Array(depthMax + 2)
  }

  fail(reason: Failure['reason'], detail: string): typeof unreadable {
    this.failure = { reason, detail }
    return unreadable
  }

  /**
   * Reads the header at `at`, and returns the place behind it: for arrays and maps before what is inside, for all others behind
   * the payload, which lies from `start` to `end`.
   */
  header(at: number): number {
    const first = this.bytes[at]
    if (first === undefined) return this.#truncated()
    const family = familyOf[first] as MsgpackFamily
    const lengthBytes = lengthBytesOf[first] as number
    let start = at + 1
    let size = sizeOf[first] as number
    if (lengthBytes > 0) {
      if (start + lengthBytes > this.bytes.length) return this.#truncated()
      size += this.#length(start, lengthBytes)
      start += lengthBytes
    }
    this.family = family
    if (family === 'map' || family === 'array') {
      this.count = size
      return start
    }
    if (family === 'unused') return this.fail('msgpack_syntax', 'byte 0xC1, which MessagePack never uses')
    const end = start + size
    if (end > this.bytes.length) return this.#truncated()
    this.start = start
    this.end = end
    return end
  }

  #length(at: number, lengthBytes: number): number {
    if (lengthBytes === 1) return this.bytes[at] as number
    return lengthBytes === 2 ? this.view.getUint16(at) : this.view.getUint32(at)
  }

  #truncated(): typeof unreadable {
    return this.fail('truncated', 'the body ends inside of a value')
  }

  /** Checks the array or map whose header was just read, which lies inside of `outside` others. Returns its end. */
  nested(behindHeader: number, outside: number): number {
    let at = behindHeader
    let level = 1
    this.#remaining[1] = this.#valuesInside()
    if (outside + 1 > this.#depthMax) return this.#tooDeep()
    while (level > 0) {
      if (this.#remaining[level] === 0) {
        level -= 1
        continue
      }
      this.#remaining[level] = (this.#remaining[level] as number) - 1
      at = this.header(at)
      if (at === unreadable) return unreadable
      if (this.family === 'array' || this.family === 'map') {
        level += 1
        if (outside + level > this.#depthMax) return this.#tooDeep()
        this.#remaining[level] = this.#valuesInside()
      } else if (this.family === 'str' && !isUtf8Range(this.bytes, this.start, this.end)) return this.notUtf8()
    }
    return at
  }

  #valuesInside(): number {
    return this.family === 'map' ? this.count * 2 : this.count
  }

  notUtf8(): typeof unreadable {
    return this.fail('utf8', 'a string has bytes that are not UTF-8')
  }

  #tooDeep(): typeof unreadable {
    return this.fail('depth', `the record has more than ${this.#depthMax} levels of arrays and maps`)
  }

  /** The place behind the value, however deep and whatever strings are in it; `unreadable` where it has no end. */
  skip(start: number): number {
    let at = start
    for (let values = 1; values > 0; values -= 1) {
      at = this.header(at)
      if (at === unreadable) return unreadable
      if (this.family === 'array' || this.family === 'map') values += this.#valuesInside()
    }
    return at
  }
}
