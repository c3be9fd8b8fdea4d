import type { Clock } from '../../base/clock.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { mayBeReferredTo } from '../../base/objects/orphan-age.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Randomness } from '../../base/randomness.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { encodeFrame, prepareFrame, scanFrames } from './frame.ts'
import type { FrameHeader, FramePlace, Inbox, Leftover, Segment } from './inbox.ts'
import { forgetObject, markReleased, registerObject, releasedObjects, waitingObjects } from './inbox-objects.sql.ts'
import { decodeHeader, encodeHeader, headerBytes, newIdentity } from './segment-header.ts'
import type { WaitingFrame } from './waiting-frames.ts'
import { WaitingFrames } from './waiting-frames.ts'

export interface ObjectInboxOptions {
  readonly objects: ObjectStore
  readonly postgres: Postgres
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** 60 by default. */
  readonly orphanSeconds?: number
}

/** How long frames are gathered before they are written, and how many bytes end the wait. */
const flushMs = 100
const flushBytesMax = 8 * 2 ** 20

/** How many objects are written at the same time. */
const flushesUnderWayMax = 4

/**
 * Objects that nobody released for so long are asked for by every intake: theirs may be gone. One that is alive asks for
 * the same job, which the queue knows by its key.
 */
const orphanSecondsDefault = 60

export function openObjectInbox(options: ObjectInboxOptions): Inbox {
  return new ObjectInbox(options)
}

interface OpenObject {
  readonly bytes: number
  frames: number
}

/**
 * The inbox in the object store: every flush is one object, which PostgreSQL knows before anything in it is acknowledged.
 * So any machine can convert it, and any intake can take over what another one left.
 */
class ObjectInbox implements Inbox {
  readonly name = 'inbox'
  readonly #options: ObjectInboxOptions
  readonly #intakeId: string
  readonly #orphanSeconds: number
  readonly #open = new Map<string, OpenObject>()
  readonly #flushes = new Set<Promise<void>>()
  /** Not counted among the flushes: bodies that wait to be acknowledged wait for none of them. */
  readonly #releases = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #waiting = new WaitingFrames()
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(options: ObjectInboxOptions) {
    this.#options = options
    this.#intakeId = uuidv7(options.clock, options.randomness)
    this.#orphanSeconds = options.orphanSeconds ?? orphanSecondsDefault
  }

  async start(): Promise<void> {}

  append(header: FrameHeader, body: Uint8Array): Promise<FramePlace> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(shuttingDown())
      const frame = prepareFrame(header, body)
      this.#waiting.push({ frame, accountId: header.accountId, resolve, reject })
      this.#flushSoon()
    })
  }

  /** Goes on for as long as the inbox is open: other intakes may die at any time. */
  async *leftovers(): AsyncGenerator<Leftover> {
    const { clock, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        yield* this.#orphans()
      } catch (error) {
        log.warn({ err: error }, 'objects that other intakes left could not be taken over yet')
      }
      await clock.sleep(this.#orphanSeconds * 1000, signal)
    }
  }

  async *#orphans(): AsyncGenerator<Leftover> {
    const { postgres } = this.#options
    for (const key of await releasedObjects(postgres, this.#orphanSeconds)) await this.#forget(key)
    for (const { objectKey, bytes } of await waitingObjects(postgres, this.#intakeId, this.#orphanSeconds)) {
      if (this.#stopping.signal.aborted) return
      const leftover = this.#open.has(objectKey) ? undefined : await this.#readLeftover(objectKey, bytes)
      if (leftover !== undefined) yield leftover
    }
  }

  settle(segment: Segment, frames: number): void {
    const object = segment.kind === 'object' ? this.#open.get(segment.key) : undefined
    if (segment.kind !== 'object' || object === undefined) return
    object.frames -= frames
    if (object.frames <= 0) this.#release(segment.key)
  }

  backlogBytes(): number {
    return [...this.#open.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async drain(): Promise<void> {
    this.#closed = true
    while (this.#waiting.count > 0 || this.#flushes.size > 0 || this.#releases.size > 0) {
      this.#flush()
      await Promise.allSettled([...this.#flushes, ...this.#releases])
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.drain()
  }

  #flushSoon(): void {
    if (this.#waiting.bytes >= flushBytesMax) return this.#flush()
    this.#cancelTimer ??= this.#options.clock.schedule(flushMs, () => this.#flush())
  }

  /** Writes what waits, unless so much is under way that this one has to wait for another to end. */
  #flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#waiting.count === 0 || this.#flushes.size >= flushesUnderWayMax) return
    const batch = this.#waiting.take(flushBytesMax)
    const work = this.#write(batch)
    this.#flushes.add(work)
    void work.finally(() => {
      this.#flushes.delete(work)
      if (this.#waiting.count > 0) this.#flushSoon()
    })
  }

  /** The acknowledgement is due when the row is there: an object without one is nobody's. */
  async #write(batch: readonly WaitingFrame[]): Promise<void> {
    const { objects, postgres, clock, randomness } = this.#options
    const id = uuidv7(clock, randomness)
    const key = `inbox/${id}`
    const identity = newIdentity(randomness)
    const parts: Uint8Array[] = [encodeHeader(identity)]
    const ranges: { from: number; to: number }[] = []
    let at = headerBytes
    for (const { frame } of batch) {
      parts.push(...encodeFrame(frame, identity.token, at))
      ranges.push({ from: at, to: at + frame.bytes })
      at += frame.bytes
    }
    const madeMs = clock.nowMs()
    try {
      await objects.put(key, Buffer.concat(parts, at))
      await postgres.transaction(async (tx) => {
        if (!mayBeReferredTo(madeMs, clock)) throw sleptTooLong()
        await registerObject(tx, { id, objectKey: key, bytes: at, intakeId: this.#intakeId })
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    this.#open.set(key, { bytes: at, frames: batch.length })
    const segment: Segment = { kind: 'object', id: identity.id, key }
    for (const [index, { accountId, resolve }] of batch.entries()) {
      const range = ranges[index]
      if (range !== undefined) resolve({ segment, accountId, ...range })
    }
  }

  /** First the mark, then the object: a crash in between leaves an object that nobody asks for any more. */
  #release(key: string): void {
    const { postgres, log } = this.#options
    this.#open.delete(key)
    const released = async (): Promise<void> => {
      await markReleased(postgres, key)
      await this.#forget(key)
    }
    const work = released().catch((error: unknown) => {
      log.warn({ err: error, key }, 'an object of the inbox could not be released; another intake will do it')
    })
    this.#releases.add(work)
    void work.finally(() => this.#releases.delete(work))
  }

  async #forget(key: string): Promise<void> {
    const { objects, postgres } = this.#options
    await objects.remove(key)
    await forgetObject(postgres, key)
  }

  /** Undefined where it is lost or damaged: those behind it shall not wait for it. It is looked at again. */
  async #objectOf(key: string, bytes: number): Promise<Buffer | undefined> {
    const { objects, log } = this.#options
    try {
      return await objects.get(key, undefined, { bytes })
    } catch (error) {
      if (!isAppError(error, 'object_not_found') && !isAppError(error, 'object_damaged')) throw error
      log.error({ err: error, key }, 'an object of the inbox with acknowledged bodies cannot be read')
      return undefined
    }
  }

  async #readLeftover(key: string, size: number): Promise<Leftover | undefined> {
    const { log } = this.#options
    const bytes = await this.#objectOf(key, size)
    if (bytes === undefined) return undefined
    const identity = decodeHeader(bytes)
    if (identity === undefined) {
      log.error({ key }, 'an object of the inbox is damaged from its beginning; it stays there')
      return undefined
    }
    const { frames, damaged } = scanFrames(bytes, headerBytes, identity.token)
    const segment: Segment = { kind: 'object', id: identity.id, key }
    this.#open.set(key, { bytes: bytes.byteLength, frames: frames.length })
    if (frames.length === 0) this.#release(key)
    return {
      segment,
      frames: frames.map(({ header, from, to }) => ({ segment, accountId: header.accountId, from, to })),
      damaged: damaged.map(({ from, to }) => ({ from, bytes: bytes.subarray(from, to) })),
    }
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down and takes no new data.', {
    hint: 'Send it again in a few seconds.',
    retryAfterSeconds: 5,
  })
}

/** An object that nothing refers to for a day is swept, and this one may be by now. */
function sleptTooLong(): AppError {
  return new AppError('inbox_unavailable', 'The object of the inbox was written too long ago to be registered.', {
    hint: 'Send it again: nothing of it was kept.',
    retryAfterSeconds: 1,
  })
}
