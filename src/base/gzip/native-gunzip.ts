import { crc32, gunzipSync, gzipSync } from 'node:zlib'

import { assert } from '../errors.ts'
import { openModule } from '../web-assembly.ts'
import { deflateAt, trailerBytes } from './members.ts'

/** What the module of `assembly/inflate.ts` exports; places are those in its memory. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly stoppedAt: { readonly value: number }
  firstFree(): number
  reserve(bytes: number): void
  /** Returns the place behind what it wrote; 0 where the input is nothing for it, or the room is too small. */
  inflate(start: number, end: number, target: number, limit: number): number
}

/** Larger bodies are for zlib. */
const inputBytesMax = 4 * 2 ** 20

/** Bodies that are converted together, and the next one, mostly fit into this. */
const areaBytes = 24 * 2 ** 20

// The module looks at bytes behind its input, and writes over some behind its output: up to a match and two copies of sixteen bytes.
const inputSlack = 1024
const outputSlack = 512

/** Undefined on a processor without SIMD, as `openModule`. */
export function openNativeGunzip(bytes: Uint8Array): NativeGunzip | undefined {
  const exports = openModule(bytes) as Exports | undefined
  return exports && new NativeGunzip(exports)
}

/**
 * Inflates gzip in WebAssembly, in two thirds of zlib's time, into memory that is taken once. It takes only what is whole and right; all else
 * leaves no trace and is for zlib, which says what is wrong.
 */
export class NativeGunzip {
  readonly #run: Exports
  readonly #bytes: Uint8Array
  readonly #inputAt: number
  /** Of the area that is filled, and of the other one, which holds what was inflated before the last turn. */
  #area: number
  #otherArea: number
  #next: number

  constructor(run: Exports) {
    this.#run = run
    this.#inputAt = aligned(run.firstFree())
    this.#area = aligned(this.#inputAt + inputBytesMax + inputSlack)
    this.#otherArea = this.#area + areaBytes
    this.#next = this.#area
    // It never grows later, for then everything that was inflated would lose its memory.
    const end = this.#otherArea + areaBytes
    run.reserve(end)
    this.#bytes = new Uint8Array(run.memory.buffer)
    assert(this.#bytes.length >= end, 'there is memory to inflate into')
    // zlib looks at what the processor can do when it inflates for the first time, and has slow checksums before.
    gunzipSync(gzipSync(''))
  }

  /** Gives up what was inflated before the last turn. The rest stays until the next one. */
  turn(): void {
    const area = this.#area
    this.#area = this.#otherArea
    this.#otherArea = area
    this.#next = this.#area
  }

  /**
   * The body without its compression, at most `bytesMax` of it: it lies in the memory of the module, and stays there until the turn after the next.
   * Undefined where it is for zlib.
   */
  inflate(body: Buffer, bytesMax: number): Buffer | undefined {
    const start = this.#next
    const limit = Math.min(start + bytesMax, this.#area + areaBytes - outputSlack)
    if (body.length > inputBytesMax || limit < start) return undefined
    this.#bytes.set(body, this.#inputAt)
    let to = start
    for (let at = 0; at < body.length;) {
      const deflate = deflateAt(body, at)
      if (deflate === undefined) return undefined
      const end = this.#inputAt + body.length - trailerBytes
      const written = this.#run.inflate(this.#inputAt + deflate, end, to, limit)
      if (written === 0) return undefined
      const trailer = this.#run.stoppedAt.value - this.#inputAt
      if (!this.#isAsTold(body, trailer, to, written)) return undefined
      to = written
      at = trailer + trailerBytes
    }
    this.#next = aligned(to + outputSlack)
    return Buffer.from(this.#bytes.buffer, start, to - start)
  }

  /** Whether a member is as its trailer says (RFC 1952 §2.3.1). */
  #isAsTold(body: Buffer, trailer: number, from: number, to: number): boolean {
    if (body.readUInt32LE(trailer + 4) !== to - from) return false
    return body.readUInt32LE(trailer) === crc32(this.#bytes.subarray(from, to))
  }
}

const aligned = (place: number): number => Math.ceil(place / 16) * 16
