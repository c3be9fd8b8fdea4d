import type { DiskFile } from '../../base/disk.ts'
import type { PreparedFrame } from './frame.ts'
import { encodeFrame } from './frame.ts'
import type { SegmentIdentity } from './segment-header.ts'
import { encodeHeader, headerBytes, writeSettled } from './segment-header.ts'

/** Which bytes of the segment a frame takes. */
export interface FrameRange {
  readonly from: number
  readonly to: number
}

/**
 * One segment in use: the frames that are appended to it, and the count of those that were dealt with. After a write or
 * a sync that failed nobody knows what is on the disk, so the segment takes no more.
 */
export class SegmentFile {
  readonly name: string
  readonly identity: SegmentIdentity
  readonly bytes: number
  readonly file: DiskFile
  #writtenTo = headerBytes
  #durableTo = headerBytes
  #underWay = 0
  #tail: Promise<void> = Promise.resolve()
  #frames = 0
  #settled = 0
  #settledTo = headerBytes
  #sealed = false
  #noting = false

  constructor(name: string, identity: SegmentIdentity, bytes: number, file: DiskFile) {
    this.name = name
    this.identity = identity
    this.bytes = bytes
    this.file = file
  }

  /** A segment that another process wrote, with so many frames that are not settled. */
  static leftover(name: string, identity: SegmentIdentity, bytes: number, file: DiskFile, frames: number): SegmentFile {
    const segment = new SegmentFile(name, identity, bytes, file)
    segment.#writtenTo = bytes
    segment.#frames = frames
    segment.#sealed = true
    return segment
  }

  get writtenTo(): number {
    return this.#writtenTo
  }

  /** What is written of it, unless all of that was dealt with: then only the file waits for more, and nothing in it. */
  get heldBytes(): number {
    return this.#underWay === 0 && this.#settled >= this.#frames ? 0 : this.#writtenTo
  }

  /** Whether it takes no more frames, and all that it took are settled. */
  get isDone(): boolean {
    return this.#sealed && this.#underWay === 0 && this.#settled >= this.#frames
  }

  hasRoomFor(bytes: number): boolean {
    return !this.#sealed && this.#writtenTo + bytes <= this.bytes
  }

  /** Takes no more frames from now on. */
  seal(): void {
    this.#sealed = true
  }

  /**
   * Writes the frames behind those before. The answer resolves when they are durable, and everything before them is,
   * too: a later commit that reaches the disk first is not acknowledged first, because a crash would cut it off.
   */
  async commit(frames: readonly PreparedFrame[]): Promise<FrameRange[]> {
    const start = this.#writtenTo
    const ranges: FrameRange[] = []
    const buffers: Uint8Array[] = []
    for (const frame of frames) {
      buffers.push(...encodeFrame(frame, this.identity.token, this.#durableTo))
      ranges.push({ from: this.#writtenTo, to: this.#writtenTo + frame.bytes })
      this.#writtenTo += frame.bytes
    }
    this.#underWay += 1
    const before = this.#tail
    const own = this.#write(buffers, start)
    // To nothing: the answer of each would hold those of all before it, for as long as the segment is written.
    this.#tail = Promise.all([before, own]).then(() => {})
    try {
      await this.#tail
      this.#durableTo = Math.max(this.#durableTo, start + ranges.reduce((sum, { from, to }) => sum + to - from, 0))
      this.#frames += frames.length
      return ranges
    } catch (error) {
      this.#sealed = true
      throw error
    } finally {
      this.#underWay -= 1
    }
  }

  /** The first frames bring the header along, which stands right before them: a segment has an identity when it has something to keep. */
  #write(buffers: readonly Uint8Array[], offset: number): Promise<void> {
    if (offset > headerBytes) return this.file.writeDurably(buffers, offset)
    return this.file.writeDurably([encodeHeader(this.identity), ...buffers], 0)
  }

  /** So many more frames were dealt with, in particular all before `before`. */
  settle(frames: number, before: number): void {
    this.#settled += frames
    if (before <= this.#settledTo || this.isDone || this.#noting) return
    this.#settledTo = before
    this.#noting = true
    // A note that is not written costs the next intake some work and nobody anything else.
    void writeSettled(this.file, this.identity, before)
      .catch(() => {})
      .finally(() => (this.#noting = false))
  }
}
