import { Readable } from 'node:stream'

import type { Clock } from '../clock.ts'
import type { Disk } from '../disk.ts'
import { AppError, isAppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Randomness } from '../randomness.ts'
import type { ByteRange, LocalObject, ObjectCall, ObjectEntry, ObjectStore } from './objects.ts'
import { StallChecker } from './stall-checker.ts'
import type { StallWatch } from './stall-checker.ts'

export interface SteadyOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** For the stall checker. */
  readonly silenceMsMax: number
  /** How often a call is made before its failure is the caller's. */
  readonly attemptsMax: number
}

/**
 * Makes of a driver, which fails when the network does, a store that its callers can rely on. Every call is watched by the
 * stall checker. All of them are idempotent, so one that fails with `object_store_unavailable` is made again, a bounded
 * number of times and with growing pauses; a stream goes on where it broke off. What is read has the size that the
 * caller knows, or it fails: with `object_damaged` where asking again does not help.
 */
export function steadyStore(driver: ObjectStore, options: SteadyOptions): ObjectStore {
  return new SteadyStore(driver, options)
}

/** The first pause; each is twice the one before. Half of it is left to chance. */
const pauseMs = 200
const pauseMsMax = 5000

class SteadyStore implements ObjectStore {
  readonly #driver: ObjectStore
  readonly #options: SteadyOptions
  readonly #stalls: StallChecker

  constructor(driver: ObjectStore, options: SteadyOptions) {
    this.#driver = driver
    this.#options = options
    this.#stalls = new StallChecker(options)
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#surely(key, (watch) => this.#driver.put(key, body, { watch }))
  }

  async putFile(key: string, path: string): Promise<void> {
    const { disk } = this.#options
    const bytes = await disk.size(path)
    await this.#surely(key, async (watch) => {
      try {
        await this.#driver.putFile(key, path, { watch })
      } catch (error) {
        // It may have failed after the file was taken in: then there is nothing left to do, or to do it with.
        const isTaken = (await disk.stat(path)) === undefined
        if (isTaken && (await this.#driver.size(key, { watch })) === bytes) return
        throw error
      }
    })
  }

  get(key: string, range?: ByteRange, { bytes }: ObjectCall = {}): Promise<Buffer> {
    return this.#read(key, async (watch) => {
      const body = await this.#driver.get(key, range, { watch, ...(bytes !== undefined && { bytes }) })
      requireBytes(key, body.byteLength, expectedBytes(range, bytes))
      return body
    })
  }

  async stream(key: string, range?: ByteRange, { bytes }: ObjectCall = {}): Promise<Readable> {
    const body = await this.#openStream(key, range, bytes)
    const readable = Readable.from(this.#blocks(key, body, range, bytes), { objectMode: false })
    // Whoever stops in the middle, or never begins, gives the connection back.
    readable.once('close', () => body.destroy())
    return readable
  }

  size(key: string): Promise<number | undefined> {
    return this.#surely(key, (watch) => this.#driver.size(key, { watch }))
  }

  remove(key: string): Promise<void> {
    return this.#surely(key, (watch) => this.#driver.remove(key, { watch }))
  }

  async *list(prefix: string, call: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    let { after } = call
    for (let failures = 0; ;) {
      const cut = new AbortController()
      const watch = { signal: cut.signal, heard: () => {} }
      let isOver = false
      const walk = this.#driver.list(prefix, { watch, ...(after !== undefined && { after }) })[Symbol.asyncIterator]()
      try {
        for (;;) {
          const next = await this.#stalls.watch(prefix, () => walk.next())
          isOver = next.done === true
          if (next.done === true) return
          failures = 0
          after = next.value.key
          yield next.value
        }
      } catch (error) {
        failures += 1
        if (failures >= this.#options.attemptsMax || !mayPass(error)) throw error
        await this.#pause(failures)
      } finally {
        if (!isOver) {
          // A walk that is silent does not hear that it should end; whoever it waits for does.
          cut.abort()
          walk.return?.().catch(() => {})
        }
      }
    }
  }

  materialize(key: string, { bytes, onceSeen = false }: ObjectCall = {}): Promise<LocalObject> {
    return this.#read(
      key,
      async (watch) => {
        const local = await this.#driver.materialize(key, { watch, onceSeen, ...(bytes !== undefined && { bytes }) })
        try {
          if (bytes !== undefined) requireBytes(key, local.bytes ?? (await this.#options.disk.size(local.path)), bytes)
          return local
        } catch (error) {
          local.release()
          // The next attempt shall not be given the same copy.
          this.#driver.dropLocal(key)
          throw error
        }
      },
      (late) => late.release(),
    )
  }

  dropLocal(key: string): void {
    this.#driver.dropLocal(key)
  }

  check(): Promise<void> {
    return this.#stalls.watch('check', (watch) => this.#driver.check({ watch }))
  }

  close(): Promise<void> {
    return this.#driver.close()
  }

  #openStream(key: string, range: ByteRange | undefined, bytes: number | undefined): Promise<Readable> {
    return this.#read(
      key,
      (watch) => this.#driver.stream(key, range, { watch, ...(bytes !== undefined && { bytes }) }),
      (late) => late.destroy(),
    )
  }

  /** The blocks of a stream. One that breaks off is opened again behind the last byte that came. */
  async *#blocks(
    key: string,
    opened: Readable,
    range: ByteRange | undefined,
    bytes: number | undefined,
  ): AsyncIterable<Buffer> {
    const end = range?.to ?? Infinity
    const first = range?.from ?? 0
    const expected = expectedBytes(range, bytes)
    let body = opened
    let at = first
    try {
      for (let failures = 0; ;) {
        try {
          const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
          for (;;) {
            const next = await this.#stalls.watch(key, () => iterator.next())
            if (next.done === true) break
            failures = 0
            at += next.value.byteLength
            yield next.value
          }
          requireBytes(key, at - first, expected)
          return
        } catch (error) {
          failures += 1
          if (failures >= this.#options.attemptsMax || !mayPass(error)) throw lasting(error)
          await this.#pause(failures)
          body.destroy()
          body = await this.#openStream(key, { from: at, to: end }, bytes)
        }
      }
    } finally {
      body.destroy()
    }
  }

  /** As `#surely`, for what has to be there: an object may show a moment after it was written. */
  async #read<T>(key: string, call: (watch: StallWatch) => Promise<T>, discard?: (late: T) => void): Promise<T> {
    return await this.#surely(key, call, discard, (error) => mayPass(error) || isAppError(error, 'object_not_found'))
  }

  async #surely<T>(
    key: string,
    call: (watch: StallWatch) => Promise<T>,
    discard?: (late: T) => void,
    isWorthARepetition: (error: unknown) => boolean = mayPass,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#stalls.watch(key, call, discard)
      } catch (error) {
        if (attempt >= this.#options.attemptsMax || !isWorthARepetition(error)) throw lasting(error)
        await this.#pause(attempt)
      }
    }
  }

  async #pause(failures: number): Promise<void> {
    const { clock, randomness } = this.#options
    const longest = Math.min(pauseMsMax, pauseMs * 2 ** (failures - 1))
    await clock.sleep(longest * (0.5 + randomness.fraction() / 2))
  }
}

/** Came in full as far as anybody could tell, and is of another size than it should be. */
class WrongSize extends Error {
  readonly key: string
  readonly bytes: number
  readonly expected: number

  constructor(key: string, bytes: number, expected: number) {
    super(`"${key}" has ${bytes} bytes and not ${expected}`)
    this.key = key
    this.bytes = bytes
    this.expected = expected
  }
}

function requireBytes(key: string, bytes: number, expected: number | undefined): void {
  if (expected !== undefined && bytes !== expected) throw new WrongSize(key, bytes, expected)
}

/** How much a range of an object of that size gives; undefined where the size is not known. */
function expectedBytes(range: ByteRange | undefined, bytes: number | undefined): number | undefined {
  if (bytes === undefined || range === undefined) return bytes
  return Math.max(0, Math.min(range.to, bytes) - range.from)
}

function mayPass(error: unknown): boolean {
  return error instanceof WrongSize || isAppError(error, 'object_store_unavailable')
}

/** What a failure is called when it did not pass. */
function lasting(error: unknown): unknown {
  if (!(error instanceof WrongSize)) return error
  const { key, bytes, expected } = error
  return new AppError('object_damaged', `The object "${key}" gives ${bytes} bytes where ${expected} were written.`, {
    hint: 'Run biwa verify: it names what is damaged, and with --repair mends what can be mended.',
  })
}
