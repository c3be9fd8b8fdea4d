import { familyOf, lengthBytesOf, sizeOf } from '../../base/msgpack/formats.ts'
import type { MsgpackFamily } from '../../base/msgpack/formats.ts'
import { BrokenFrame, elementsMax, tooLarge } from './frame.ts'
import type { FrameScanner } from './frame.ts'

/**
 * Goes over MessagePack without reading what is in it: payloads are jumped over, and of arrays and maps only the number of
 * values still to come is kept, so that no nesting costs memory. A length that lies is found out before its bytes come.
 */
export class MsgpackFrames implements FrameScanner {
  readonly serialization = 'msgpack'
  readonly #bytesMax: number
  starts: number[] = []
  /** Bytes of the frame before the current piece, and in it. */
  #seen = 0
  /** Bytes of payload still to jump over. */
  #payload = 0
  /** Elements of the outer array still to come; undefined before its header. */
  #elements: number | undefined
  /** Values still to come inside of the current element. */
  #values = 0
  /** A header that a piece ends in. */
  readonly #header = Buffer.alloc(5)
  #headerBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get announcedBytes(): number {
    return this.#seen + this.#payload
  }

  reset(): void {
    this.starts = []
    this.#seen = 0
    this.#payload = 0
    this.#elements = undefined
    this.#values = 0
    this.#headerBytes = 0
  }

  scan(piece: Buffer, start: number): number {
    let at = start
    for (;;) {
      if (this.#payload > 0) {
        const jumped = Math.min(this.#payload, piece.byteLength - at)
        this.#payload -= jumped
        this.#seen += jumped
        at += jumped
        if (this.#payload > 0) return -1
      }
      if (this.#elements === 0 && this.#values === 0) return at
      if (at >= piece.byteLength) return -1
      const behind = this.#takeHeader(piece, at)
      if (behind === -1) return -1
      at = behind
    }
  }

  /** Returns the place behind the header at `at`, or -1 where it goes on behind the piece. */
  #takeHeader(piece: Buffer, at: number): number {
    if (this.#headerBytes === 0) {
      const bytes = 1 + (lengthBytesOf[piece[at] as number] as number)
      if (at + bytes <= piece.byteLength) {
        this.#enter(piece, at, bytes)
        this.#seen += bytes
        return at + bytes
      }
    }
    let place = at
    while (place < piece.byteLength) {
      this.#header[this.#headerBytes++] = piece[place++] as number
      if (this.#headerBytes < 1 + (lengthBytesOf[this.#header[0] as number] as number)) continue
      this.#enter(this.#header, 0, this.#headerBytes)
      this.#seen += this.#headerBytes
      this.#headerBytes = 0
      return place
    }
    return -1
  }

  #enter(source: Buffer, at: number, bytes: number): void {
    const first = source[at] as number
    const family = familyOf[first] as MsgpackFamily
    const size = (sizeOf[first] as number) + (bytes > 1 ? source.readUIntBE(at + 1, bytes - 1) : 0)
    if (this.#elements === undefined) return this.#begin(family, size)
    if (family === 'unused') throw new BrokenFrame('body_malformed', 'byte 0xC1, which MessagePack never uses')
    if (this.#values === 0) {
      this.#elements -= 1
      this.starts.push(this.#seen)
    } else this.#values -= 1
    if (family === 'array') this.#values += size
    else if (family === 'map') this.#values += size * 2
    else this.#payload = size
    // Each value that was announced takes a byte at least.
    if (this.#seen + bytes + this.#payload + this.#values > this.#bytesMax) throw tooLarge(this.#bytesMax)
  }

  #begin(family: MsgpackFamily, size: number): void {
    this.#elements = 0
    // A heartbeat is nil (forward protocol v1, “Connection Phases”).
    if (family === 'nil') return
    if (family !== 'array') {
      throw new BrokenFrame('body_malformed', `a message is of type ${family}, and no array of MessagePack`)
    }
    if (size > elementsMax) throw new BrokenFrame('body_malformed', `a message is an array of ${size} values`)
    this.#elements = size
  }
}
