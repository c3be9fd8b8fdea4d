import { join } from 'node:path'

import type { Clock } from '../../base/clock.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'
import type { Logger } from '../../base/log.ts'
import type { Randomness } from '../../base/randomness.ts'
import { SegmentFile } from './segment-file.ts'
import { freeHeader, newIdentity } from './segment-header.ts'

export interface SegmentPoolOptions {
  readonly directory: string
  /** The size of a regular segment. */
  readonly segmentBytes: number
  readonly disk: Disk
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
}

interface PreparedFile {
  readonly name: string
  readonly file: DiskFile
}

/** Free files that are kept for the next use; more are removed. */
const freeMax = 2

/** After a file could not be made, so long nobody tries: a full disk is not written to the brim by every request. */
const failureMsMax = 1000

const namePattern = /^segment-(\d{6,})$/

/**
 * The files of an inbox. Writing to blocks that a file has had before syncs about twice as often as growing a file, so
 * files are filled with zeroes once, and then used again and again.
 */
export class SegmentPool {
  readonly #options: SegmentPoolOptions
  #free: string[] = []
  #nextNumber = 1
  #ready: Promise<PreparedFile> | undefined
  #failure: { readonly error: unknown; readonly atMs: number } | undefined

  constructor(options: SegmentPoolOptions) {
    this.#options = options
  }

  /** Tells of a file that was found at the start. */
  adopt(name: string, isFree: boolean): void {
    this.#nextNumber = Math.max(this.#nextNumber, Number(namePattern.exec(name)?.[1]) + 1)
    if (isFree) this.#free.push(name)
  }

  /** Makes the next file ready before it is needed. A failure shows when it is. */
  prepare(): void {
    if (this.#ready !== undefined || this.#isFailing()) return
    this.#ready = this.#freeFile()
    this.#ready.catch((error: unknown) => {
      this.#failure = { error, atMs: this.#options.clock.monotonicMs() }
      this.#ready = undefined
    })
  }

  /** A regular segment under a new identity. */
  async take(): Promise<SegmentFile> {
    this.prepare()
    if (this.#ready === undefined) throw this.#failure?.error
    const ready = await this.#ready
    this.#ready = undefined
    this.#failure = undefined
    return this.#identified(ready, this.#options.segmentBytes)
  }

  /** A segment for one frame that fits no regular one. */
  async takeOversized(bytes: number): Promise<SegmentFile> {
    return this.#identified(await this.#newFile(bytes), bytes)
  }

  /**
   * Gives the file of a segment back. The commit point of the release is the sync of the empty header: before it, the next
   * intake finds the frames again, and the store tells that they were applied.
   */
  async recycle(segment: SegmentFile): Promise<void> {
    const { file, name, bytes } = segment
    try {
      await file.writeDurably([freeHeader], 0)
    } finally {
      await file.close()
    }
    if (bytes === this.#options.segmentBytes && this.#free.length < freeMax) this.#free.push(name)
    else await this.#options.disk.remove(this.#path(name))
  }

  async close(): Promise<void> {
    const ready = await this.#ready?.catch(() => undefined)
    this.#ready = undefined
    await ready?.file.close()
  }

  #isFailing(): boolean {
    const { clock } = this.#options
    return this.#failure !== undefined && clock.monotonicMs() < this.#failure.atMs + failureMsMax
  }

  async #freeFile(): Promise<PreparedFile> {
    const name = this.#free.pop()
    if (name === undefined) return await this.#newFile(this.#options.segmentBytes)
    return { name, file: await this.#options.disk.open(this.#path(name), 'write') }
  }

  async #newFile(bytes: number): Promise<PreparedFile> {
    const { disk, directory } = this.#options
    const name = `segment-${String(this.#nextNumber++).padStart(6, '0')}`
    const file = await disk.open(this.#path(name), 'create')
    try {
      await file.allocate(bytes)
      await file.sync()
      await disk.syncDirectory(directory)
    } catch (error) {
      await file.close()
      await disk.remove(this.#path(name))
      throw error
    }
    return { name, file }
  }

  /** The identity is of this use of the file alone. It is written with the first frames. */
  #identified({ name, file }: PreparedFile, bytes: number): SegmentFile {
    return new SegmentFile(name, newIdentity(this.#options.randomness), bytes, file)
  }

  #path(name: string): string {
    return join(this.#options.directory, name)
  }
}

export function isSegmentName(name: string): boolean {
  return namePattern.test(name)
}
