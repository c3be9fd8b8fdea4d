import type { Job } from '../jobs/jobs.ts'
import type { Problem } from './verify/findings.ts'

/** The kind of jobs that verify tables. */
export const verifyKind = 'verify'

/** The input of a job of kind `verify`. */
export interface VerifyInput {
  /** Null for all of the account. */
  readonly database: string | null
  /** Null for all of the database. */
  readonly table: string | null
  /** So many chunks of each table, by chance; null for all. */
  readonly sample: number | null
  /** Whether what is wrong is mended, as far as it can be, and set aside where it cannot. */
  readonly repair: boolean
}

/** Its output, and without the problems its progress. */
export interface VerifySummary {
  readonly tables: number
  readonly chunks: number
  readonly bytes: number
  readonly problemCount: number
  /** The first thousand. */
  readonly problems: readonly Problem[]
}

/** A chunk that verification took out of its table. Its object stays where it is. */
export interface DamagedChunk {
  readonly id: string
  readonly objectKey: string
  readonly timeRange: { readonly from: number; readonly to: number }
  readonly rows: number
  readonly bytes: number
  readonly reason: string
  readonly detail: string
  readonly byteOffset: number | null
  readonly snapshot: number
  readonly setAsideAt: Date
}

/** The door of those who look after tables: whether their files are sound, and how they lie. */
export interface Upkeep {
  /** Submits a job of kind `verify`. Fails with `database_not_found` or `table_not_found`. */
  verify(who: { readonly accountId: number; readonly userId: number }, input: VerifyInput): Promise<Job>
  /** The newest first. Fails with `database_not_found` or `table_not_found`. */
  damagedChunks(accountId: number, database: string, table: string): Promise<DamagedChunk[]>
  /** Over all accounts, for metrics. */
  damage(): Promise<{ chunks: number; rows: number; bytes: number }>
}
