import { copyFile, mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import type { Clock } from '../../clock.ts'
import { AppError } from '../../errors.ts'
import type { Randomness } from '../../randomness.ts'
import type { ByteRange, LocalObject, ObjectCall, ObjectEntry, ObjectStore } from '../objects.ts'
import type { StallWatch } from '../stall-checker.ts'

/** What may go wrong with a call, each as a share of all calls. */
export interface FaultRates {
  /** 500 or 503, and nothing was done. */
  readonly refused: number
  /** 500 or 503, or a connection that broke, and yet all was done. */
  readonly unanswered: number
  /** No answer until somebody gives up. */
  readonly stalled: number
  /** A read that ends early as if that were all. */
  readonly truncated: number
  readonly slow: number
  /** Of writes: the object is written, and the next reads of it find nothing. */
  readonly late: number
}

export type Fault = keyof FaultRates

export interface FaultyOptions {
  readonly rates: FaultRates
  readonly randomness: Randomness
  readonly clock: Clock
}

const slowMsMax = 40
const lateReadsMax = 2

/**
 * A driver of the object store over another one, that fails as networks and stores do. What fails follows from the
 * randomness; `counts` tells how often each fault struck.
 */
export class FaultyStore implements ObjectStore {
  readonly counts: Record<Fault, number> = { refused: 0, unanswered: 0, stalled: 0, truncated: 0, slow: 0, late: 0 }
  readonly #inner: ObjectStore
  readonly #options: FaultyOptions
  /** How many reads of an object still find nothing. */
  readonly #late = new Map<string, number>()
  #scratch: string | undefined
  #isQuiet = false

  constructor(inner: ObjectStore, options: FaultyOptions) {
    this.#inner = inner
    this.#options = options
  }

  /** From now on, nothing fails. */
  quiet(): void {
    this.#isQuiet = true
    this.#late.clear()
  }

  put(key: string, body: Uint8Array, { watch }: ObjectCall = {}): Promise<void> {
    return this.#write(key, watch, () => this.#inner.put(key, body))
  }

  putFile(key: string, path: string, { watch }: ObjectCall = {}): Promise<void> {
    return this.#write(key, watch, () => this.#inner.putFile(key, path))
  }

  async get(key: string, range?: ByteRange, { watch }: ObjectCall = {}): Promise<Buffer> {
    const body = await this.#read(key, watch, () => this.#inner.get(key, range))
    return this.#strikes('truncated') ? body.subarray(0, this.#part(body.byteLength)) : body
  }

  async stream(key: string, range?: ByteRange, { watch }: ObjectCall = {}): Promise<Readable> {
    const body = await this.#read(
      key,
      watch,
      () => this.#inner.stream(key, range),
      (unheard) => unheard.destroy(),
    )
    const broken = this.#strikes('truncated') ? 'ends' : this.#strikes('stalled') ? 'stalls' : undefined
    if (broken === undefined) return body
    async function* partly(): AsyncIterable<Uint8Array> {
      for await (const block of body as AsyncIterable<Uint8Array>) {
        yield block.subarray(0, Math.ceil(block.byteLength / 2))
        break
      }
      if (broken === 'stalls') await new Promise<never>(() => {})
    }
    const part = Readable.from(partly(), { objectMode: false })
    part.once('close', () => body.destroy())
    return part
  }

  size(key: string, { watch }: ObjectCall = {}): Promise<number | undefined> {
    return this.#answered(key, watch, async () => (this.#isLate(key) ? undefined : await this.#inner.size(key)))
  }

  remove(key: string, { watch }: ObjectCall = {}): Promise<void> {
    return this.#answered(key, watch, () => this.#inner.remove(key))
  }

  async *list(prefix: string, call: ObjectCall & { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    const { watch, ...rest } = call
    for await (const entry of this.#inner.list(prefix, rest)) {
      await this.#answered(prefix, watch, async () => {})
      yield entry
    }
  }

  async materialize(key: string, { watch }: ObjectCall = {}): Promise<LocalObject> {
    const local = await this.#read(key, watch, () => this.#inner.materialize(key))
    if (!this.#strikes('truncated')) return local
    this.#scratch ??= await mkdtemp(join(tmpdir(), 'biwa-faulty-'))
    const path = join(this.#scratch, this.#options.randomness.bytes(8).toString('hex'))
    await copyFile(local.path, path)
    local.release()
    await truncate(path, this.#part((await this.#inner.size(key)) ?? 0))
    return { path, release: () => {} }
  }

  dropLocal(key: string): void {
    this.#inner.dropLocal(key)
  }

  check(): Promise<void> {
    return this.#inner.check()
  }

  async close(): Promise<void> {
    await this.#inner.close()
    if (this.#scratch !== undefined) await rm(this.#scratch, { recursive: true })
  }

  async #write(key: string, watch: StallWatch | undefined, call: () => Promise<void>): Promise<void> {
    if (this.#strikes('late')) this.#late.set(key, 1 + Math.floor(this.#options.randomness.fraction() * lateReadsMax))
    await this.#answered(key, watch, call)
  }

  #read<T>(
    key: string,
    watch: StallWatch | undefined,
    call: () => Promise<T>,
    discard?: (unheard: T) => void,
  ): Promise<T> {
    const reading = async (): Promise<T> => {
      if (this.#isLate(key)) throw new AppError('object_not_found', `The object "${key}" does not show yet.`)
      return await call()
    }
    return this.#answered(key, watch, reading, discard)
  }

  /** Makes the call with whatever goes wrong before it and after it. */
  async #answered<T>(
    key: string,
    watch: StallWatch | undefined,
    call: () => Promise<T>,
    discard: (unheard: T) => void = () => {},
  ): Promise<T> {
    if (this.#strikes('refused')) throw failure(key, 'SlowDown')
    if (this.#strikes('slow')) await this.#options.clock.sleep(this.#options.randomness.fraction() * slowMsMax)
    // Whether the store had done it before it fell silent, nobody knows.
    if (this.#strikes('stalled')) {
      if (this.#options.randomness.fraction() < 0.5) discard(await call())
      await silence(watch)
    }
    const answer = await call()
    if (!this.#strikes('unanswered')) return answer
    discard(answer)
    throw failure(key, 'ECONNRESET')
  }

  #strikes(fault: Fault): boolean {
    if (this.#isQuiet || this.#options.randomness.fraction() >= this.#options.rates[fault]) return false
    this.counts[fault] += 1
    return true
  }

  #isLate(key: string): boolean {
    const reads = this.#late.get(key) ?? 0
    if (reads > 1) this.#late.set(key, reads - 1)
    else this.#late.delete(key)
    return reads > 0
  }

  /** Less than all of it. */
  #part(bytes: number): number {
    return Math.floor(bytes * this.#options.randomness.fraction())
  }
}

async function silence(watch: StallWatch | undefined): Promise<never> {
  return await new Promise((_resolve, reject) => {
    watch?.signal.addEventListener('abort', () => reject(watch.signal.reason as Error))
  })
}

function failure(key: string, what: string): AppError {
  return new AppError('object_store_unavailable', `The faulty store failed with ${what} at "${key}".`, {
    hint: 'It does so on purpose.',
  })
}
