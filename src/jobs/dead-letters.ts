import type { ErrorRecord } from '../base/errors.ts'
import type { Job } from './jobs.ts'

/** Dead jobs that failed alike. */
export interface DeadLetterGroup {
  /** Of the error: its code and its message without the numbers, names and ids in it. */
  readonly fingerprint: string
  readonly kind: string
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
  /** Of the youngest of them. */
  readonly error: ErrorRecord
  readonly jobId: number
}

export interface DeadLetterFilter {
  readonly accountId: number
  readonly fingerprint?: string
  readonly kind?: string
  readonly ids?: readonly number[]
  readonly since?: Date
  readonly until?: Date
}

/** The door of jobs that used up their attempts (state `dead`). */
export interface DeadLetters {
  groups(accountId: number): Promise<DeadLetterGroup[]>
  list(filter: DeadLetterFilter, page: { readonly before?: number; readonly limit: number }): Promise<Job[]>
  /**
   * Queues the jobs again, with all their attempts before them; at most `redriveMax` at a time, the oldest first.
   * `dryRun` changes nothing. Returns the ids, and whether there are more.
   */
  redrive(
    filter: DeadLetterFilter,
    how: { readonly dryRun: boolean; readonly actor: string },
  ): Promise<{ readonly ids: readonly number[]; readonly more: boolean }>
}

export const redriveMax = 10_000
