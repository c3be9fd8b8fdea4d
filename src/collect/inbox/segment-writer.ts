import { isAppError, AppError, must } from '../../base/errors.ts'
import { commitBytesMax } from '../limits.ts'
import type { PreparedFrame } from './frame.ts'
import type { FramePlace, Segment } from './inbox.ts'
import type { SegmentFile } from './segment-file.ts'
import { headerBytes } from './segment-header.ts'
import type { SegmentPool } from './segment-pool.ts'

export interface SegmentWriterOptions {
  readonly pool: SegmentPool
  /** Of a regular segment. */
  readonly segmentBytes: number
  /** Called with each segment before anything is written to it; answers with how the segment is told to others. */
  readonly onBegun: (file: SegmentFile) => Segment
  /** Called when a segment takes no more, which it may have been waited for. */
  readonly onFull: (file: SegmentFile) => void
}

/**
 * One is written while another one syncs, where there is as much to write as makes that worth its calls. Less than that waits for the
 * sync to end, and whatever comes meanwhile shares the next one.
 */
const commitsUnderWayMax = 2
const besideBytesMin = 64 * 1024

interface WaitingFrame {
  readonly frame: PreparedFrame
  readonly accountId: number
  readonly resolve: (place: FramePlace) => void
  readonly reject: (error: unknown) => void
}

interface Begun {
  readonly file: SegmentFile
  readonly segment: Segment
}

/** Writes frames to one segment after the other, in order of arrival, many at once where many wait (group commit). */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  #active: Begun | undefined
  #waiting: WaitingFrame[] = []
  #waitingBytes = 0
  #isWriting = false
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  append(frame: PreparedFrame, accountId: number): Promise<FramePlace> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, accountId, resolve, reject })
      this.#waitingBytes += frame.bytes
      if (!this.#isWriting) void this.#writeWaiting()
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    while (this.#isWriting || this.#underWay.size > 0) await Promise.allSettled([...this.#underWay, tick()])
  }

  /** Writes to its segment no more. */
  close(): void {
    const full = this.#active?.file
    this.#active = undefined
    if (full === undefined) return
    full.seal()
    this.#options.onFull(full)
  }

  /** Takes frames in order of arrival, as many at once as a commit may have. One at a time runs. */
  async #writeWaiting(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const commitsMax = this.#waitingBytes < besideBytesMin ? 1 : commitsUnderWayMax
      if (this.#underWay.size >= commitsMax) {
        await Promise.race(this.#underWay)
        continue
      }
      const batch = this.#takeBatch()
      const bytes = batch.reduce((sum, { frame }) => sum + frame.bytes, 0)
      try {
        this.#track(this.#commit(await this.#segmentFor(bytes), batch))
      } catch (error) {
        for (const { reject } of batch) reject(unavailable(error))
      }
    }
    this.#isWriting = false
  }

  #takeBatch(): WaitingFrame[] {
    const bytesMax = Math.min(commitBytesMax, this.#options.segmentBytes - headerBytes)
    let count = 0
    let bytes = 0
    for (const { frame } of this.#waiting) {
      if (count > 0 && bytes + frame.bytes > bytesMax) break
      count += 1
      bytes += frame.bytes
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  async #segmentFor(bytes: number): Promise<Begun> {
    const { pool, segmentBytes } = this.#options
    if (bytes > segmentBytes - headerBytes) return this.#begin(await pool.takeOversized(headerBytes + bytes))
    if (this.#active?.file.hasRoomFor(bytes) === true) return this.#active
    this.close()
    this.#active = this.#begin(await pool.take())
    return this.#active
  }

  #begin(file: SegmentFile): Begun {
    return { file, segment: this.#options.onBegun(file) }
  }

  async #commit({ file, segment }: Begun, batch: readonly WaitingFrame[]): Promise<void> {
    try {
      const ranges = await file.commit(batch.map(({ frame }) => frame))
      if (file !== this.#active?.file) file.seal()
      else if (file.writtenTo > file.bytes / 2) this.#options.pool.prepare()
      for (const [index, { accountId, resolve }] of batch.entries()) {
        resolve({ segment, accountId, ...must(ranges[index], 'each frame got its range') })
      }
    } catch (error) {
      for (const { reject } of batch) reject(unavailable(error))
      if (file === this.#active?.file) this.#active = undefined
      this.#options.onFull(file)
    }
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }
}

/** A turn of the event loop, in which what waits may go on. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function unavailable(error: unknown): unknown {
  if (isAppError(error)) return error
  return new AppError('inbox_unavailable', 'The inbox on the disk of this server cannot be written.', {
    hint: 'Nothing of the body was kept: send it again. The log of the server names the reason.',
    retryAfterSeconds: 5,
    cause: error,
  })
}
