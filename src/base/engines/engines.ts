import type { Service } from '../service.ts'

/**
 * Engine processes: forked children for work that can crash or eat memory (DuckDB above all). They get plain tasks and
 * answer plain values (structured clone), hold no database connection, and are killed without regret.
 */
export interface EnginePool extends Service {
  /**
   * Runs a task in a process of the pool that nobody else uses meanwhile. Rejects with the task's own `AppError`, or:
   * `worker_lost` when the process died, `query_timeout` and `query_memory_exceeded` when the watchdog killed it, and
   * the signal's reason when it was aborted (the process is killed within a second); `overloaded` where no process comes up.
   */
  run<Output>(task: EngineTask, limits: EngineLimits): Promise<Output>
}

export interface EngineTask {
  /** Which handler; see `serveEngine`. */
  readonly kind: string
  readonly input: unknown
}

export interface EngineLimits {
  readonly timeoutMs: number
  /** Resident memory above which the process is killed. */
  readonly residentBytesMax: number
  readonly signal?: AbortSignal
  readonly onProgress?: (value: unknown) => void
  /** Ends the process after the task, so that the next one starts clean. */
  readonly discardAfter?: boolean
}

/** What a task's handler gets, inside the engine process. */
export interface EngineContext {
  readonly progress: (value: unknown) => void
}

export type EngineHandler = (input: never, context: EngineContext) => Promise<unknown>
