import type { Clock } from '../clock.ts'
import { backoffMs } from '../backoff.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { residentBytesOf } from '../process-table.ts'
import { EngineProcess } from './engine-process.ts'
import type { EngineLimits, EnginePool, EngineTask } from './engines.ts'

export interface EnginePoolOptions {
  /** For the log. */
  readonly name: string
  /** The file whose process calls `serveEngine`. */
  readonly entry: URL
  /** How many tasks run at once; more wait in order of arrival. */
  readonly size: number
  /**
   * How many processes are there at least, and how many are kept ready beyond those that are busy for long; at most `size`. One by
   * default; with none, the first task waits for its own.
   */
  readonly warm?: number
  /** A process that has grown beyond this is replaced after its task. 384 MiB by default. */
  readonly idleBytesMax?: number
  /** The limit of V8's heap in each process. 512 MiB by default. */
  readonly heapMebibytesMax?: number
  readonly environment?: Readonly<Record<string, string>>
  /** How far its processes stand back behind others that want a processor; not at all by default. */
  readonly niceness?: number
  /** What else Node is told to run them. */
  readonly nodeFlags?: readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

export interface ForkedEngines extends EnginePool {
  /** Forks what is kept ready and waits for none of it, as `start` does, which then waits for the first. */
  kindle(): void
}

export function openEnginePool(options: EnginePoolOptions): ForkedEngines {
  return new ForkedEnginePool(options)
}

interface Waiter {
  readonly resolve: (engine: EngineProcess) => void
  readonly reject: (error: unknown) => void
}

/** A process that does not answer by then never will. Its start loads native libraries, maybe from a cold disk. */
const startMsMax = 60_000

/**
 * A process takes a sixth of a second of a processor to start, and more until its code is compiled, which the task in hand would miss. Most tasks end before that, and theirs is the
 * next one's.
 */
const spareAfterMs = 500

/** Whoever waits for a process that is in use has most likely got it by then, and a start would take the processors from both. */
const anotherAfterMs = 100

/** So many processes in a row that ended before they were ready are no accident: whoever waits for one hears of it. */
const bootFailuresMax = 3
const lookAgainMs = 20

class ForkedEnginePool implements ForkedEngines {
  readonly name: string
  readonly #options: EnginePoolOptions
  readonly #warm: number
  readonly #log: Logger
  /** All that live: those that start, those that are busy, and those that are idle. */
  readonly #engines = new Set<EngineProcess>()
  /** Those that are ready, and have nothing to do. */
  #idle: EngineProcess[] = []
  #waiting: Waiter[] = []
  #bootFailures = 0
  #cancelRetry: (() => void) | undefined
  #cancelSpare: (() => void) | undefined
  #cancelAnother: (() => void) | undefined
  #closed = false
  #whenQuiet: (() => void)[] = []

  constructor(options: EnginePoolOptions) {
    this.name = options.name
    this.#options = options
    this.#warm = options.warm ?? 1
    this.#log = options.log.child({ pool: options.name })
  }

  kindle(): void {
    this.#tend()
  }

  async start(): Promise<void> {
    while (this.#warm > 0 && !this.#closed) {
      this.#tend()
      const [first] = this.#engines
      if (first === undefined) await this.#options.clock.sleep(lookAgainMs)
      else await Promise.race([first.ready, first.exited])
      if (first?.answered === true) return
      if (this.#bootFailures >= bootFailuresMax) throw this.#comesNotUp()
    }
  }

  #comesNotUp(): AppError {
    return new AppError('startup', `The engine processes of ${this.name} do not come up.`, {
      hint: 'What they printed stands above. DuckDB needs glibc and a 64-bit processor.',
    })
  }

  async run<Output>(task: EngineTask, limits: EngineLimits): Promise<Output> {
    const engine = await this.#acquire(limits.signal)
    try {
      return (await engine.run(task, limits)) as Output
    } finally {
      await this.#release(engine, limits.discardAfter ?? false)
    }
  }

  async drain(): Promise<void> {
    while (!this.#isQuiet) {
      await new Promise<void>((resolve) => this.#whenQuiet.push(resolve))
    }
  }

  async stop(): Promise<void> {
    this.#closed = true
    this.#cancelRetry?.()
    this.#cancelSpare?.()
    this.#cancelAnother?.()
    for (const waiter of this.#waiting.splice(0)) waiter.reject(shuttingDown())
    this.#tend()
    const engines = [...this.#engines]
    for (const engine of engines) engine.kill(shuttingDown())
    await Promise.all(engines.map((engine) => engine.exited))
  }

  #acquire(signal: AbortSignal | undefined): Promise<EngineProcess> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(shuttingDown())
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter)
        reject(signal?.reason)
        this.#tend()
      }
      const waiter: Waiter = {
        resolve: (engine) => {
          signal?.removeEventListener('abort', onAbort)
          resolve(engine)
        },
        reject,
      }
      signal?.addEventListener('abort', onAbort)
      this.#waiting.push(waiter)
      this.#tend()
    })
  }

  /** Gives the process back, or ends it where the next task should not inherit what this one left behind. */
  async #release(engine: EngineProcess, discard: boolean): Promise<void> {
    if (discard || (await this.#isBloated(engine))) engine.kill()
    // Only one that surely lives on goes back; the exit of every other one tends the pool.
    else if (engine.alive && !this.#closed) this.#idle.push(engine)
    this.#tend()
  }

  async #isBloated(engine: EngineProcess): Promise<boolean> {
    const bytes = engine.pid === undefined ? undefined : await residentBytesOf(engine.pid)
    return bytes !== undefined && bytes > (this.#options.idleBytesMax ?? 384 * 2 ** 20)
  }

  /** Gives processes to those who wait, in order, and keeps some ready for those who come. */
  #tend(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      this.#waiting.shift()?.resolve(this.#idle.pop() as EngineProcess)
    }
    const needed = Math.max(this.#warm, Math.min(this.#waiting.length, 1))
    while (this.#engines.size < needed && this.#mayFork()) this.#fork()
    if (this.#lacksAnother()) this.#cancelAnother ??= this.#addAnotherLater()
    if (this.#lacksSpare()) this.#cancelSpare ??= this.#addSparesLater()
    if (this.#isQuiet) for (const tell of this.#whenQuiet.splice(0)) tell()
  }

  /** Those that are not ready yet. */
  get #starting(): number {
    return [...this.#engines].filter((engine) => !engine.answered).length
  }

  get #isQuiet(): boolean {
    return this.#waiting.length === 0 && this.#engines.size === this.#idle.length + this.#starting
  }

  #mayFork(): boolean {
    return !this.#closed && this.#cancelRetry === undefined && this.#engines.size < this.#options.size
  }

  #lacksAnother(): boolean {
    return this.#waiting.length > this.#starting && this.#mayFork()
  }

  #lacksSpare(): boolean {
    return this.#idle.length + this.#starting < this.#warm && this.#mayFork()
  }

  #addAnotherLater(): () => void {
    return this.#options.clock.schedule(anotherAfterMs, () => {
      this.#cancelAnother = undefined
      while (this.#lacksAnother()) this.#fork()
    })
  }

  #addSparesLater(): () => void {
    return this.#options.clock.schedule(spareAfterMs, () => {
      this.#cancelSpare = undefined
      while (this.#lacksSpare()) this.#fork()
    })
  }

  #fork(): void {
    const { entry, heapMebibytesMax = 512, environment = {}, niceness = 0, nodeFlags = [], clock } = this.#options
    const engine = new EngineProcess({ entry, heapMebibytesMax, environment, niceness, nodeFlags }, clock)
    this.#engines.add(engine)
    const cancelLimit = clock.schedule(startMsMax, () => engine.kill())
    void engine.ready.then(() => {
      cancelLimit()
      this.#welcome(engine)
    })
    void engine.exited.then(() => {
      cancelLimit()
      this.#bury(engine)
    })
  }

  #welcome(engine: EngineProcess): void {
    this.#bootFailures = 0
    if (engine.alive) this.#idle.push(engine)
    this.#tend()
  }

  #bury(engine: EngineProcess): void {
    this.#engines.delete(engine)
    this.#idle = this.#idle.filter((other) => other !== engine)
    if (!engine.answered && !this.#closed) this.#pause()
    this.#tend()
  }

  /** An entry that dies at once would be forked in a hot loop. */
  #pause(): void {
    this.#bootFailures += 1
    this.#log.error({ failures: this.#bootFailures }, 'an engine process ended before it was ready')
    const noneLives = this.#engines.size === this.#starting
    if (noneLives && this.#bootFailures >= bootFailuresMax)
      for (const waiter of this.#waiting.splice(0)) waiter.reject(noneStarts())
    this.#cancelRetry?.()
    this.#cancelRetry = this.#options.clock.schedule(backoffMs(this.#bootFailures), () => {
      this.#cancelRetry = undefined
      this.#tend()
    })
  }
}

/** It says nothing of the task, which no process has seen. */
function noneStarts(): AppError {
  return new AppError('overloaded', 'The worker has no engine process: none comes up.', {
    hint: 'Its log says what they printed. Most likely the machine has no memory left for them.',
    retryAfterSeconds: 5,
  })
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The server is shutting down and takes no new work.', {
    hint: 'Ask again in a few seconds.',
    retryAfterSeconds: 5,
  })
}
