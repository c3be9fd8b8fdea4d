import type { Access, Principal } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { EngineLimits as PoolLimits, EnginePool } from '../base/engines/engines.ts'
import { AppError } from '../base/errors.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Attempt } from '../jobs/jobs.ts'
import type { Store } from '../store/store.ts'
import type { EngineSql, QueryMoment } from './engines/duckdb/tasks.ts'
import type { KnownAnalyses } from './planning/known-analyses.ts'
import type { KnownPlans } from './planning/known-plans.ts'
import type { KnownStatements } from './planning/known-statements.ts'
import type { SelectText } from './planning/statement.ts'
import type { QueryJobInput, QueryProgress } from './process.ts'
import type { Scratch } from './scratch.ts'

/** What a worker runs queries with. */
export interface QueryPorts {
  readonly access: Access
  readonly store: Store
  readonly objects: ObjectStore
  /** Processes that serve `queryEngineHandlers`. */
  readonly engines: EnginePool
  readonly clock: Clock
  readonly disk: Disk
}

export interface QueryLimits {
  /** What DuckDB may allocate before it spills; the process is killed at twice that, and half a gigabyte for itself. */
  readonly memoryBytes: number
  /** Spilled bytes and the result's, together. */
  readonly temporaryBytes: number
  /** Compressed bytes of all columns that the plan reads. */
  readonly scanBytes: number
  /** For jobs that have no time limit of their own. */
  readonly timeoutMs: number
  readonly threads: number
}

/** One attempt at one query. */
export interface QueryContext {
  readonly ports: QueryPorts
  readonly limits: QueryLimits
  readonly attempt: Attempt
  readonly input: QueryJobInput
  readonly principal: Principal
  readonly accountId: number
  readonly moment: QueryMoment
  readonly scratch: Scratch
  /** Where engine processes keep what they read and write through (`engines/duckdb/windows.ts`). */
  readonly windows: string
  readonly statements: KnownStatements
  readonly analyses: KnownAnalyses
  readonly plans: KnownPlans
  /** When the query has to be done, on the clock that never jumps. */
  readonly deadlineMs: number
  progress(progress: QueryProgress): void
}

const mebibyte = 2 ** 20

/** Looking at a query takes milliseconds; more than this is an attack. */
const planningMs = 60_000

export function planningPoolLimits(context: QueryContext): PoolLimits {
  return {
    timeoutMs: Math.min(planningMs, remainingMs(context)),
    residentBytesMax: 1536 * mebibyte,
    signal: context.attempt.signal,
  }
}

export function runningPoolLimits(context: QueryContext): PoolLimits {
  return {
    timeoutMs: remainingMs(context),
    residentBytesMax: 2 * context.limits.memoryBytes + 512 * mebibyte,
    signal: context.attempt.signal,
  }
}

function remainingMs({ ports, deadlineMs }: QueryContext): number {
  const remaining = deadlineMs - ports.clock.monotonicMs()
  if (remaining > 0) return remaining
  throw new AppError('query_timeout', 'The query took longer than it may.', {
    hint: 'Narrow the time range, or ask for a longer timeout.',
  })
}

export function engineSql({ input }: QueryContext, select: SelectText): EngineSql {
  return { sql: select.text, whole: input.sql, offset: select.offset }
}
