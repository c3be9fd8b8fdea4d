import type { Frame, FrameScanner } from './frame.ts'
import { JsonFrames } from './json-frames.ts'
import { MsgpackFrames } from './msgpack-frames.ts'

const openArray = 0x5b
const openObject = 0x7b

/** How much is set aside for a frame that has announced more, as a multiple of what has come: lengths may lie. */
const growth = 4
const capacityMin = 4096

/**
 * Cuts the bytes of a connection into frames. One that lies within a piece is a view into it; one that does not is copied once
 * into a buffer of its own, which grows with what has come.
 */
export class FrameCutter {
  readonly #bytesMax: number
  #scanner: FrameScanner | undefined
  #held: Buffer = Buffer.alloc(0)
  #heldBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes of the frame that is not whole yet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The frames that end in the piece. Fails with `BrokenFrame`, after those before. */
  *push(piece: Buffer): Generator<Frame> {
    for (let at = 0; at < piece.byteLength;) {
      const scanner = (this.#scanner ??= this.#scannerFor(piece[at] as number))
      const end = scanner.scan(piece, at)
      if (end === -1) return this.#hold(piece.subarray(at), scanner.announcedBytes)
      const { serialization, starts } = scanner
      yield { serialization, bytes: this.#whole(piece.subarray(at, end)), starts }
      scanner.reset()
      at = end
    }
  }

  /** The first byte of a connection tells JSON from MessagePack, as it does for Fluentd. */
  #scannerFor(first: number): FrameScanner {
    const isJson = first === openArray || first === openObject
    return isJson ? new JsonFrames(this.#bytesMax) : new MsgpackFrames(this.#bytesMax)
  }

  #whole(last: Buffer): Buffer {
    if (this.#heldBytes === 0) return last
    this.#hold(last, this.#heldBytes + last.byteLength)
    const whole = this.#held.subarray(0, this.#heldBytes)
    this.#held = Buffer.alloc(0)
    this.#heldBytes = 0
    return whole
  }

  #hold(part: Buffer, announcedBytes: number): void {
    const needed = this.#heldBytes + part.byteLength
    if (needed > this.#held.byteLength) {
      const capacity = Math.min(Math.max(announcedBytes, 2 * needed), Math.max(growth * needed, capacityMin))
      const grown = Buffer.allocUnsafeSlow(Math.min(capacity, this.#bytesMax + capacityMin))
      this.#held.copy(grown, 0, 0, this.#heldBytes)
      this.#held = grown
    }
    part.copy(this.#held, this.#heldBytes)
    this.#heldBytes = needed
  }
}
