import { join } from 'node:path'

import { writeFileAtomically } from '../../base/disk.ts'
import { AppError } from '../../base/errors.ts'
import { segmentBytesDefault, smallBodyBytesMax } from '../limits.ts'
import { prepareFrame, scanFrames } from './frame.ts'
import { holdDirectory } from './hold-directory.ts'
import type { FrameHeader, FramePlace, Inbox, Leftover, Segment } from './inbox.ts'
import { SegmentFile } from './segment-file.ts'
import { decodeHeader, decodeSettled, headerBytes } from './segment-header.ts'
import { SegmentPool, isSegmentName } from './segment-pool.ts'
import type { SegmentPoolOptions } from './segment-pool.ts'
import { SegmentWriter } from './segment-writer.ts'

export interface DirectoryInboxOptions extends Omit<SegmentPoolOptions, 'segmentBytes'> {
  readonly segmentBytes?: number
  /** Bodies up to this size are written apart from larger ones. */
  readonly smallBytesMax?: number
  /** Waits until this process alone may write to the directory. By default with a lock file, as `holdDirectory` does. */
  readonly hold?: (directory: string) => Promise<{ release(): Promise<void> }>
}

/** The name of the inbox, by which a worker knows that the directory it sees is the one that a job means. */
export const inboxNameFile = 'inbox-name'

export function openDirectoryInbox(options: DirectoryInboxOptions): Inbox {
  return new DirectoryInbox(options)
}

/**
 * The inbox on a local disk: segments with group commit. Small bodies, such as events, have a segment of their own: in one with large ones, each would
 * wait until those before it are written, which takes a flood of large bodies many times as long as an event.
 */
class DirectoryInbox implements Inbox {
  readonly name = 'inbox'
  readonly #options: DirectoryInboxOptions
  readonly #segmentBytes: number
  readonly #pool: SegmentPool
  readonly #segments = new Map<string, SegmentFile>()
  #inboxName = ''
  #lock: { release(): Promise<void> } | undefined
  readonly #small: SegmentWriter
  readonly #large: SegmentWriter
  readonly #releases = new Set<Promise<void>>()
  #leftoverNames: string[] = []
  #leftoverBytes = 0
  #closed = false

  constructor(options: DirectoryInboxOptions) {
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault
    this.#pool = new SegmentPool({ ...options, segmentBytes: this.#segmentBytes })
    this.#small = this.#newWriter()
    this.#large = this.#newWriter()
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

  async append(header: FrameHeader, body: Uint8Array): Promise<FramePlace> {
    if (this.#closed) throw shuttingDown()
    const { smallBytesMax = smallBodyBytesMax } = this.#options
    const writer = body.byteLength <= smallBytesMax ? this.#small : this.#large
    return await writer.append(prepareFrame(header, body), header.accountId)
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
    await Promise.all([this.#small.drain(), this.#large.drain()])
    await Promise.allSettled(this.#releases)
  }

  async stop(): Promise<void> {
    await this.drain()
    await this.#pool.close()
    this.#small.close()
    this.#large.close()
    await Promise.allSettled(this.#releases)
    for (const segment of this.#segments.values()) await segment.file.close()
    this.#segments.clear()
    await this.#lock?.release()
    this.#lock = undefined
  }

  #newWriter(): SegmentWriter {
    return new SegmentWriter({
      pool: this.#pool,
      segmentBytes: this.#segmentBytes,
      onBegun: (file) => this.#segmentOf(this.#register(file)),
      onFull: (file) => this.#releaseIfDone(file),
    })
  }

  #register(segment: SegmentFile): SegmentFile {
    this.#segments.set(segment.identity.id, segment)
    return segment
  }

  #releaseIfDone(segment: SegmentFile): void {
    const { id } = segment.identity
    if (!segment.isDone || !this.#segments.delete(id)) return
    const released = this.#pool.recycle(segment).catch((error: unknown) => {
      this.#options.log.error({ err: error, segment: segment.name }, 'a segment of the inbox could not be released')
    })
    this.#releases.add(released)
    void released.finally(() => this.#releases.delete(released))
  }

  #segmentOf({ name, identity }: SegmentFile): Segment {
    return { kind: 'file', inbox: this.#inboxName, id: identity.id, name }
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
    const segment = this.#segmentOf(own)
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

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down and takes no new data.', {
    hint: 'Send it again in a few seconds.',
    retryAfterSeconds: 5,
  })
}
