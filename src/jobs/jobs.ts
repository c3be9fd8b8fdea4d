import type { ErrorRecord } from '../base/errors.ts'
import type { Service } from '../base/service.ts'
import type { Waiting } from './waiting-reason.ts'

export type JobState = 'queued' | 'delayed' | 'running' | 'retry_wait' | 'success' | 'error' | 'killed' | 'dead'

export const finishedStates: ReadonlySet<JobState> = new Set(['success', 'error', 'killed', 'dead'])

export interface Job {
  readonly id: number
  /** Null for the system's own. */
  readonly accountId: number | null
  readonly userId: number | null
  readonly kind: string
  readonly state: JobState
  /** −2 to 2; higher is sooner. */
  readonly priority: number
  readonly uniqueKey: string | null
  readonly input: unknown
  readonly progress: unknown
  readonly output: unknown
  readonly error: ErrorRecord | null
  readonly runAt: Date
  readonly attempt: number
  readonly attemptsMax: number
  readonly timeoutMs: number | null
  readonly killRequestedAt: Date | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

export interface NewJob {
  readonly accountId: number | null
  readonly userId?: number | null
  readonly kind: string
  readonly input: unknown
  readonly priority?: number
  /** Submitting a key again answers the first job. */
  readonly uniqueKey?: string
  /** Of one job of the account, whatever its kind: another one of the key is refused with `already_exists`, whose details name the first. */
  readonly domainKey?: string
  readonly runAt?: Date
  readonly attemptsMax?: number
  readonly timeoutMs?: number
  /** Counted by the limit `workgroup:ACCOUNT/NAME`, if there is one. */
  readonly workgroup?: string
  /** Counted by the limits `resource:ACCOUNT/NAME`, if there are any, with so many slots each. */
  readonly resources?: Readonly<Record<string, number>>
}

export interface JobTransition {
  readonly at: Date
  readonly from: JobState | null
  readonly to: JobState
  readonly attempt: number
  readonly actor: string
  readonly reason: string
}

export interface JobFilter {
  readonly accountId: number
  /** One of them, where several are named. */
  readonly kind?: string | readonly string[]
  readonly state?: JobState | readonly JobState[]
  /** Only those of this user. */
  readonly userId?: number
  /** Only those that ran for so long, or have by now. */
  readonly secondsMin?: number
  /** Only jobs with smaller ids: lists go from the newest down. */
  readonly before?: number
  /** So many are passed over. */
  readonly offset?: number
  readonly limit: number
}

/** The door of jobs for those who submit and watch. Reads are confined to one account. */
export interface Jobs extends Service {
  /** Durable when it resolves. `existing` tells that the unique key was known and nothing was made. */
  submit(job: NewJob): Promise<{ job: Job; existing: boolean }>
  submitAll(jobs: readonly NewJob[]): Promise<{ job: Job; existing: boolean }[]>
  get(accountId: number | null, id: number): Promise<Job>
  list(filter: JobFilter): Promise<Job[]>
  /** The job that has the domain key. Fails with `job_not_found`. */
  ofDomainKey(accountId: number, domainKey: string): Promise<Job>
  history(accountId: number, id: number): Promise<JobTransition[]>
  /**
   * Resolves with the job when it is finished, or as it was last seen after `timeoutMs`. Wakes by notification. Whoever has just submitted
   * the job, and was told that it is new, says what was told: then nobody looks at it before its end.
   */
  wait(accountId: number | null, id: number, timeoutMs: number, signal?: AbortSignal, submitted?: Job): Promise<Job>
  /** Ends a waiting job at once and a running one within a second. Returns the state before. */
  kill(accountId: number, id: number, actor: string): Promise<JobState>
  /** Why the job waits; null where it does not. */
  explain(accountId: number, id: number): Promise<Waiting | null>
  /** Waiting and running jobs by kind, and the age of the oldest that waits: for metrics. */
  depth(): Promise<{ kind: string; state: JobState; count: number; oldestSeconds: number }[]>
}

/** One attempt, as its handler sees it. */
export interface Attempt {
  readonly job: Job
  /** Fences this attempt: `lease_token` in the database is another one when the lease was lost. */
  readonly leaseToken: number
  /** Aborted when the job is killed, times out or loses its lease, with the AppError as its reason. */
  readonly signal: AbortSignal
  /** Keeps what the attempt says of itself; written with the next heartbeat. */
  progress(value: unknown): void
}

/**
 * Does the work of a kind: resolves with the job's output, or rejects with what went wrong. Whether it is tried again is
 * decided by the cause: see `retry-rules.ts` and docs/retries.md.
 */
export type JobHandler = (attempt: Attempt) => Promise<unknown>

export interface JobKind {
  readonly kind: string
  /** How many run at once in this process. */
  readonly concurrency: number
  readonly handler: JobHandler
  /** An attempt that says nothing new of its progress for so long is ended and tried again. Off by default. */
  readonly stallMs?: number
}
