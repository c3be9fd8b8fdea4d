import type { Principal } from '../access/access.ts'
import type { Job } from '../jobs/jobs.ts'
import type { ScheduledJob } from '../jobs/schedules.ts'
import type { LogicalType } from '../store/types.ts'

/**
 * How a query is run; what it means is the same to both. An interactive one is tried once and begins soon; a batch one is tried again
 * when its process is lost or something it needs is away, may take longer and spill more, and has places of its own.
 */
export type QueryEngine = 'interactive' | 'batch'

/** The kinds of the jobs that run queries, by their engines. */
export const queryJobKinds = { interactive: 'query', batch: 'batch' } as const satisfies Record<QueryEngine, string>

/** The engine of a job that runs a query; undefined for other jobs. */
export function engineOfKind(kind: string): QueryEngine | undefined {
  if (kind === queryJobKinds.interactive) return 'interactive'
  return kind === queryJobKinds.batch ? 'batch' : undefined
}

/** A table that the result goes to as well, before the job is done. Nothing to the query itself: deliver does it. */
export interface Delivery {
  readonly database: string
  readonly table: string
  readonly mode: 'append' | 'replace'
  /** With whose rights. */
  readonly principal: Principal
  /** Without what is secret in it. */
  readonly shownAs: string
}

export interface QueryRequest {
  readonly sql: string
  /** Where unqualified names are looked up. */
  readonly database: string | null
  /** Where it is not named, the query is run as an interactive one, and tried again like a batch one. */
  readonly engine?: QueryEngine
  readonly priority?: number
  /** Submitting a key again answers the first job. */
  readonly idempotencyKey?: string
  /** Submitting a key again is refused, whatever it was submitted for. */
  readonly domainKey?: string
  /** How often it is tried again after a failure that may pass. */
  readonly retryLimit?: number
  /** `TD_SCHEDULED_TIME()`; where it is yet to come, the query waits for it. */
  readonly scheduledTime?: Date
  readonly timeoutMs?: number
  /**
   * As what a client of another protocol submitted it, for that protocol to tell again. What is submitted as `presto`, `trino` or
   * `hive` is in that dialect (docs/td-sql.md); everything else is in ours.
   */
  readonly submittedAs?: string
  readonly delivery?: Delivery
  /** In which format the result will be read: a small one is there in it as soon as the query is done. */
  readonly resultFormat?: string
}

/** What a schedule runs, time after time. */
export interface ScheduledQuery {
  readonly sql: string
  readonly database: string | null
  readonly engine?: QueryEngine
  readonly priority?: number
  /** As in `NewJob`. */
  readonly attemptsMax?: number
  readonly timeoutMs?: number
  readonly submittedAs?: string
  readonly delivery?: Delivery
}

export type ScheduledQueryJob = ScheduledJob & Required<Pick<ScheduledJob, 'priority' | 'attemptsMax' | 'timeoutMs'>>

/** The input of a job of one of `queryJobKinds`. */
export interface QueryJobInput {
  readonly sql: string
  readonly database: string | null
  /** Who asked, with what a key let through. The role is looked up anew when the query runs, as are permissions. */
  readonly principal: Principal
  /** Unix seconds: `TD_SCHEDULED_TIME()`, for the jobs of a schedule. Others take the time of their submission. */
  readonly scheduledTime?: number
  readonly submittedAs?: string
  readonly delivery?: Delivery
  readonly resultFormat?: string
}

export interface ResultColumn {
  readonly name: string
  readonly type: LogicalType
}

export interface QueryStatistics {
  /** Per scanned table: what the plan opens of what there is. */
  readonly scans: readonly {
    readonly database: string
    readonly table: string
    readonly snapshot: number
    readonly chunksOpened: number
    readonly chunksTotal: number
    /** Of all, those that touch the time ranges; of these, statistics leave out what is not opened. Older jobs lack it. */
    readonly chunksInTime?: number
    readonly columns: readonly string[]
    readonly timeRanges: readonly (readonly [from: number | null, to: number | null])[]
    /** Compressed bytes of the columns that are read. */
    readonly bytes: number
  }[]
  readonly bytesScanned: number
  /** Whether the catalog knew the answer, so that nothing was opened. Older jobs lack it. */
  readonly fromMetadata?: boolean
  readonly planMs: number
  readonly runMs: number
}

/** The output of a finished job of one of `queryJobKinds`. */
export interface QueryOutput {
  readonly statement:
    | 'select'
    | 'insert'
    | 'merge'
    | 'delete'
    | 'truncate'
    | 'create_table'
    | 'create_table_as'
    | 'alter_table'
    | 'drop_table'
    | 'undrop_table'
    | 'describe'
    | 'show'
    | 'explain'
  readonly columns: readonly ResultColumn[]
  readonly rows: number
  /**
   * The result as Parquet. Its columns are named `c0`, `c1` … because result columns may repeat names; null where the
   * statement has no rows to give (INSERT, DELETE, CREATE, ALTER, DROP …): `rows` then says how many it wrote or deleted.
   */
  readonly resultKey: string | null
  /** All of a small result, in base64: what lies under `resultKey` is none of it then. Empty where jobs are listed. */
  readonly inline?: string
  readonly resultBytes: number
  /** Where in the result it lies in the format that was asked for, as a whole, from, inclusive, to, exclusive; absent where it does not. */
  readonly ready?: { readonly format: string; readonly from: number; readonly to: number }
  readonly statistics: QueryStatistics
  /** Of several statements, what each of them was and did; absent where there was one. */
  readonly statements?: readonly { readonly statement: QueryOutput['statement']; readonly rows: number }[]
}

/** What a running query says of itself: the `progress` of its job. */
export interface QueryProgress {
  readonly stage: 'planning' | 'running' | 'storing'
  /** Of the running; null where it cannot be told. */
  readonly percent: number | null
  /** Compressed bytes that the plan reads; null before it is made. */
  readonly bytesToScan: number | null
}

/** The door of process: SQL as jobs. */
export interface Process {
  /** Checks permission and size, and submits. */
  submitQuery(principal: Principal, request: QueryRequest): Promise<{ job: Job; existing: boolean }>
  /**
   * The job of a schedule that runs a query in the name of the principal. Checked as `submitQuery` does, but for the key:
   * it has to be a full one, because the schedule outlives it and then runs with all that its user may do.
   */
  scheduledQuery(principal: Principal, query: ScheduledQuery): Promise<ScheduledQueryJob>
}
