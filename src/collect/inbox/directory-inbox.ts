import { join } from 'node:path'

import { writeFileAtomically } from '../../base/disk.ts'
import { AppError, isAppError, must } from '../../base/errors.ts'
import { commitBytesMax, segmentBytesDefault } from '../limits.ts'
import { prepareFrame, scanFrames } from './frame.ts'
import { holdDirectory } from './hold-directory.ts'
import type { FrameHeader, FramePlace, Inbox, Leftover, Segment } from './inbox.ts'
import { SegmentFile } from './segment-file.ts'
import { decodeHeader, decodeSettled, headerBytes } from './segment-header.ts'
import type { SegmentIdentity } from './segment-header.ts'
import { SegmentPool, isSegmentName } from './segment-pool.ts'
import type { SegmentPoolOptions } from './segment-pool.ts'
import type { WaitingFrame } from './waiting-frames.ts'
import { WaitingFrames } from './waiting-frames.ts'

export interface DirectoryInboxOptions extends Omit<SegmentPoolOptions, 'segmentBytes'> {
  readonly segmentBytes?: number
  /** Waits until this process alone may write to the directory. By default with a lock file, as `holdDirectory` does. */
  readonly hold?: (directory: string) => Promise<{ release(): Promise<void> }>
}

/**
 * One is written while another one syncs, where there is as much to write as makes that worth its calls. Less than that waits for the
 * sync to end, and whatever comes meanwhile shares the next one.
 */
const commitsUnderWayMax = 2
const besideBytesMin = 64 * 1024

/** The name of the inbox, by which a worker knows that the directory it sees is the one that a job means. */
export const inboxNameFile = 'inbox-name'

export function openDirectoryInbox(options: DirectoryInboxOptions): Inbox {
  return new DirectoryInbox(options)
}

/** The inbox on a local disk: segments with group commit. */
class DirectoryInbox implements Inbox {
  readonly name = 'inbox'
  readonly #options: DirectoryInboxOptions
  readonly #segmentBytes: number
  readonly #pool: SegmentPool
  readonly #segments = new Map<string, SegmentFile>()
  #inboxName = ''
  #lock: { release(): Promise<void> } | undefined
  #active: SegmentFile | undefined
  readonly #waiting = new WaitingFrames()
  #isWriting = false
  #underWay = new Set<Promise<void>>()
  #leftoverNames: string[] = []
  #leftoverBytes = 0
  #closed = false

  constructor(options: DirectoryInboxOptions) {
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault
    this.#pool = new SegmentPool({ ...options, segmentBytes: this.#segmentBytes })
  }

  async start(): Promise<void> {
    const { directory, disk } = this.#options
    await disk.makeDirectory(directory)
    const { hold = (path: string) => holdDirectory(path, this.#options.clock) } = this.#options
    this.#lock = await hold(directory)
    this.#inboxName = await this.#ownName()
    for (const name of (await disk.list(directory)).filter(isSegmentName)) await this.#examine(name)
    // Whoever made a file that is used from here on may have died before its name was durable.
    await disk.syncDirectory(directory)
    this.#pool.prepare()
  }

  append(header: FrameHeader, body: Uint8Array): Promise<FramePlace> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(shuttingDown())
      const frame = prepareFrame(header, body)
      this.#waiting.push({ frame, accountId: header.accountId, resolve, reject })
      if (!this.#isWriting) void this.#writeWaiting()
    })
  }

  async *leftovers(): AsyncGenerator<Leftover> {
    for (const name of this.#leftoverNames.splice(0)) {
      if (this.#closed) return
      const leftover = await this.#readLeftover(name).catch((error: unknown) => {
        this.#options.log.error({ err: error, segment: name }, 'a segment of the inbox cannot be read; it stays there')
        return undefined
      })
      if (leftover !== undefined) yield leftover
    }
  }

  settle(segment: Segment, frames: number, before: number): void {
    const file = this.#segments.get(segment.id)
    if (file === undefined) return
    file.settle(frames, before)
    this.#releaseIfDone(file)
  }

  backlogBytes(): number {
    let bytes = this.#leftoverBytes
    for (const { heldBytes } of this.#segments.values()) bytes += heldBytes
    return bytes
  }

  async drain(): Promise<void> {
    this.#closed = true
    while (this.#isWriting || this.#underWay.size > 0) await Promise.allSettled([...this.#underWay, tick()])
  }

  async stop(): Promise<void> {
    await this.drain()
    await this.#pool.close()
    if (this.#active !== undefined) {
      this.#active.seal()
      this.#releaseIfDone(this.#active)
    }
    await Promise.allSettled(this.#underWay)
    for (const segment of this.#segments.values()) await segment.file.close()
    this.#segments.clear()
    await this.#lock?.release()
    this.#lock = undefined
  }

  /** Takes frames in order of arrival, as many at once as a commit may have. One at a time runs. */
  async #writeWaiting(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.count > 0) {
      const commitsMax = this.#waiting.bytes < besideBytesMin ? 1 : commitsUnderWayMax
      if (this.#underWay.size >= commitsMax) {
        await Promise.race(this.#underWay)
        continue
      }
      const batch = this.#waiting.take(Math.min(commitBytesMax, this.#segmentBytes - headerBytes))
      const bytes = batch.reduce((sum, { frame }) => sum + frame.bytes, 0)
      try {
        const segment = await this.#segmentFor(bytes)
        this.#track(this.#commit(segment, batch))
      } catch (error) {
        for (const { reject } of batch) reject(unavailable(error))
      }
    }
    this.#isWriting = false
  }

  async #segmentFor(bytes: number): Promise<SegmentFile> {
    if (bytes > this.#segmentBytes - headerBytes)
      return this.#register(await this.#pool.takeOversized(headerBytes + bytes))
    if (this.#active?.hasRoomFor(bytes) === true) return this.#active
    const full = this.#active
    this.#active = undefined
    if (full !== undefined) {
      full.seal()
      this.#releaseIfDone(full)
    }
    this.#active = this.#register(await this.#pool.take())
    return this.#active
  }

  #register(segment: SegmentFile): SegmentFile {
    this.#segments.set(segment.identity.id, segment)
    return segment
  }

  async #commit(file: SegmentFile, batch: readonly WaitingFrame[]): Promise<void> {
    const segment = this.#segmentOf(file.name, file.identity)
    try {
      const ranges = await file.commit(batch.map(({ frame }) => frame))
      if (file !== this.#active) file.seal()
      else if (file.writtenTo > file.bytes / 2) this.#pool.prepare()
      for (const [index, { accountId, resolve }] of batch.entries()) {
        resolve({ segment, accountId, ...must(ranges[index], 'each frame got its range') })
      }
    } catch (error) {
      for (const { reject } of batch) reject(unavailable(error))
      this.#releaseIfDone(file)
    }
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  #releaseIfDone(segment: SegmentFile): void {
    const { id } = segment.identity
    if (!segment.isDone || !this.#segments.delete(id)) return
    if (segment === this.#active) this.#active = undefined
    const released = this.#pool.recycle(segment).catch((error: unknown) => {
      this.#options.log.error({ err: error, segment: segment.name }, 'a segment of the inbox could not be released')
    })
    this.#track(released)
  }

  #segmentOf(name: string, { id }: SegmentIdentity): Segment {
    return { kind: 'file', inbox: this.#inboxName, id, name }
  }

  /** Decides by its header whether a file is free, or has frames that somebody acknowledged. */
  async #examine(name: string): Promise<void> {
    const { directory, disk } = this.#options
    const path = join(directory, name)
    const file = await disk.open(path, 'read')
    const [page, bytes] = await Promise.all([file.read(0, headerBytes), file.size()]).finally(() => file.close())
    const isLive = decodeHeader(page) !== undefined
    const isFree = !isLive && bytes === this.#segmentBytes
    this.#pool.adopt(name, isFree)
    if (isLive) {
      this.#leftoverNames.push(name)
      this.#leftoverBytes += bytes
    } else if (!isFree) await disk.remove(path)
  }

  async #readLeftover(name: string): Promise<Leftover | undefined> {
    const { directory, disk, log } = this.#options
    const file = await disk.open(join(directory, name), 'write')
    const bytes = await file.read(0, await file.size())
    this.#leftoverBytes -= bytes.byteLength
    const identity = decodeHeader(bytes)
    if (identity === undefined) {
      await file.close()
      return undefined
    }
    const scan = scanFrames(bytes, decodeSettled(bytes, identity), identity.token)
    const own = this.#register(SegmentFile.leftover(name, identity, bytes.byteLength, file, scan.frames.length))
    this.#releaseIfDone(own)
    const segment = this.#segmentOf(name, identity)
    log.info({ segment: name, frames: scan.frames.length }, 'took over a segment of the inbox')
    return {
      segment,
      frames: scan.frames.map(({ header, from, to }) => ({ segment, accountId: header.accountId, from, to })),
      damaged: scan.damaged.map(({ from, to }) => ({ from, bytes: Buffer.from(bytes.subarray(from, to)) })),
    }
  }

  async #ownName(): Promise<string> {
    const { directory, disk, randomness } = this.#options
    const path = join(directory, inboxNameFile)
    const known = await disk.stat(path)
    if (known !== undefined) return await readInboxName(disk, path)
    const name = randomness.bytes(12).toString('hex')
    await disk.remove(`${path}.new`)
    await writeFileAtomically(disk, path, Buffer.from(name), `${path}.new`)
    return name
  }
}

/** The name of the inbox that is kept at the path. */
async function readInboxName(disk: DirectoryInboxOptions['disk'], path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  try {
    return (await file.read(0, 64)).toString()
  } finally {
    await file.close()
  }
}

/** A turn of the event loop, in which what waits may go on. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down and takes no new data.', {
    hint: 'Send it again in a few seconds.',
    retryAfterSeconds: 5,
  })
}

function unavailable(error: unknown): unknown {
  if (isAppError(error)) return error
  return new AppError('inbox_unavailable', 'The inbox on the disk of this server cannot be written.', {
    hint: 'Nothing of the body was kept: send it again. The log of the server names the reason.',
    retryAfterSeconds: 5,
    cause: error,
  })
}
