import type { PreparedFrame } from './frame.ts'
import type { FramePlace } from './inbox.ts'

export interface WaitingFrame {
  readonly frame: PreparedFrame
  readonly accountId: number
  readonly resolve: (place: FramePlace) => void
  readonly reject: (error: unknown) => void
}

/** Frames that wait to be written, in order of arrival. */
export class WaitingFrames {
  #frames: WaitingFrame[] = []
  #bytes = 0

  get count(): number {
    return this.#frames.length
  }

  get bytes(): number {
    return this.#bytes
  }

  push(waiting: WaitingFrame): void {
    this.#frames.push(waiting)
    this.#bytes += waiting.frame.bytes
  }

  /** As many of the first as have so many bytes together, and one at least. They wait no more. */
  take(bytesMax: number): WaitingFrame[] {
    let count = 0
    let bytes = 0
    for (const { frame } of this.#frames) {
      if (count > 0 && bytes + frame.bytes > bytesMax) break
      count += 1
      bytes += frame.bytes
    }
    this.#bytes -= bytes
    return this.#frames.splice(0, count)
  }
}
