import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import type { Clock } from '../clock.ts'
import { AppError } from '../errors.ts'
import { forkArguments } from '../fork-arguments.ts'
import { residentBytesOf } from '../process-table.ts'
import { standBack } from '../stand-back.ts'
import type { EngineLimits, EngineTask } from './engines.ts'
import type { FromEngine, ToEngine } from './messages.ts'

export interface EngineCommand {
  readonly entry: URL
  /** The limit of V8's heap, in MiB; DuckDB's memory lies outside of it. */
  readonly heapMebibytesMax: number
  readonly environment: Readonly<Record<string, string>>
  /** By how much the process stands back behind this one, where both want a core. */
  readonly niceness: number
  /** What else Node is told. */
  readonly nodeFlags: readonly string[]
}

interface RunningTask {
  readonly outcome: Promise<unknown>
  readonly resolve: (output: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onProgress: ((value: unknown) => void) | undefined
}

/** Often enough to catch a query that grows by gigabytes per second early; reading the size takes microseconds. */
const sampleEveryMs = process.platform === 'linux' ? 100 : 500

/** Timers of more than 2³¹ − 1 ms (25 days) would fire at once. */
const timerMsMax = 2 ** 31 - 1

/** One forked engine, which runs one task at a time. A task that is ended early ends the process with it. */
export class EngineProcess {
  /** Resolves when the engine answers for the first time; never, when it dies before. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #clock: Clock
  #task: RunningTask | undefined
  #alive = true
  #answered = false
  /** Why we ended the process, where we did; whatever it runs fails for this reason. */
  #sentence: { readonly reason: unknown } | undefined

  constructor(command: EngineCommand, clock: Clock) {
    this.#clock = clock
    this.#child = fork(command.entry, {
      execArgv: [
        ...forkArguments(command.entry),
        `--max-old-space-size=${command.heapMebibytesMax}`,
        ...command.nodeFlags,
      ],
      env: { ...process.env, ...command.environment },
      serialization: 'advanced',
      // What native code prints goes to standard error: standard output belongs to data.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    standBack(this.#child.pid, command.niceness)
    this.ready = new Promise((resolve) => this.#child.once('message', () => resolve()))
    this.exited = new Promise((resolve) => {
      const end = (how: string): void => {
        if (!this.#alive) return
        this.#alive = false
        this.#endTask((task) => task.reject(this.#sentence === undefined ? lost(how) : this.#sentence.reason))
        resolve()
      }
      this.#child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`))
      // The channel may break while a message is under way: the exit that follows tells the task.
      this.#child.on('error', (error) =>
        this.#child.pid === undefined ? end(String(error)) : this.kill(lost(String(error))),
      )
    })
    this.#child.on('message', (message) => {
      this.#answered = true
      this.#hear(message as FromEngine)
    })
  }

  /** Whether it can take a task: it runs, and is not about to end. */
  get alive(): boolean {
    return this.#alive && this.#sentence === undefined
  }

  /** Whether it ever came up: one that did not is likely not to come up the next time either. */
  get answered(): boolean {
    return this.#answered
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Runs the task and rejects as `EnginePool.run` says, always after the process is gone when it had to be killed. */
  async run(task: EngineTask, limits: EngineLimits): Promise<unknown> {
    limits.signal?.throwIfAborted()
    if (this.#sentence !== undefined) throw this.#sentence.reason
    if (!this.#alive) throw lost('it had ended before the task began')
    const running = newTask(limits)
    this.#task = running
    const onAbort = (): void => this.kill(limits.signal?.reason)
    limits.signal?.addEventListener('abort', onAbort)
    const cancelTimeout = this.#clock.schedule(Math.min(limits.timeoutMs, timerMsMax), () =>
      this.kill(tookTooLong(limits)),
    )
    const stopWatching = this.#watchMemory(limits.residentBytesMax)
    try {
      // A send that fails means that the process is going: its exit rejects the task.
      this.#child.send({ kind: task.kind, input: task.input } satisfies ToEngine, () => {})
      return await running.outcome
    } finally {
      limits.signal?.removeEventListener('abort', onAbort)
      cancelTimeout()
      stopWatching()
    }
  }

  /** Ends the process; the task that it runs, if any, is rejected with the reason that came first. */
  kill(reason: unknown = lost('it was ended')): void {
    this.#sentence ??= { reason }
    this.#child.kill('SIGKILL')
  }

  #hear(message: FromEngine): void {
    if (message.type === 'ready' || this.#sentence !== undefined) return
    if (message.type === 'progress') return this.#task?.onProgress?.(message.value)
    if (message.type === 'output') return this.#endTask((task) => task.resolve(message.value))
    if (message.type === 'failure') return this.#endTask((task) => task.reject(AppError.fromRecord(message.error)))
    const bug = new Error(`an engine task failed: ${message.message}`, { cause: message.stack })
    this.kill(bug)
  }

  #endTask(end: (task: RunningTask) => void): void {
    const task = this.#task
    this.#task = undefined
    if (task !== undefined) end(task)
  }

  /**
   * Looks from time to time, until what it returns is called: DuckDB's own memory limit has been seen passed eightfold, so the size of the
   * whole process decides. Made of timers alone, since most tasks are over before the first look.
   */
  #watchMemory(residentBytesMax: number): () => void {
    let isOver = false
    let cancel = (): void => {}
    const look = async (): Promise<void> => {
      const bytes = this.pid === undefined ? undefined : await residentBytesOf(this.pid)
      // Meanwhile another task may have begun, with limits of its own.
      if (isOver || bytes === undefined) return
      if (bytes > residentBytesMax) this.kill(needsTooMuch(residentBytesMax))
      lookLater()
    }
    const lookLater = (): void => {
      cancel = this.#clock.schedule(sampleEveryMs, () => void look())
    }
    lookLater()
    return () => {
      isOver = true
      cancel()
    }
  }
}

function newTask(limits: EngineLimits): RunningTask {
  let settle!: Pick<RunningTask, 'resolve' | 'reject'>
  const outcome = new Promise<unknown>((resolve, reject) => (settle = { resolve, reject }))
  return { outcome, ...settle, onProgress: limits.onProgress }
}

function lost(how: string): AppError {
  return new AppError('worker_lost', `The engine process was lost (${how}).`, {
    hint:
      how === 'SIGKILL'
        ? 'The system killed it, most likely because memory ran out. The task may be tried again.'
        : 'The task may be tried again. If it happens with the same input every time, please report it.',
  })
}

function tookTooLong({ timeoutMs }: EngineLimits): AppError {
  return new AppError(
    'query_timeout',
    `The task took longer than its limit of ${timeoutMs / 1000} s and was stopped.`,
    {
      hint: 'Narrow the time range, or ask for a longer timeout.',
    },
  )
}

function needsTooMuch(residentBytesMax: number): AppError {
  const mebibytes = Math.floor(residentBytesMax / 2 ** 20)
  return new AppError('query_memory_exceeded', `The task grew beyond its limit of ${mebibytes} MiB and was stopped.`, {
    hint: 'Narrow the time range, select fewer columns, or group by fewer distinct values.',
  })
}
