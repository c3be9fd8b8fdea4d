import type { Job } from '../jobs/jobs.ts'
import type { Layer } from './store.ts'
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

/** How the chunks of a table's newest snapshot lie. */
export interface TableLayout {
  readonly snapshot: number
  readonly layers: readonly {
    readonly layer: Layer
    readonly chunks: number
    readonly rows: number
    readonly bytes: number
    /** Unix seconds. */
    readonly from: number
    readonly to: number
    readonly smallChunks: number
    readonly smallBytes: number
  }[]
  /** Below it, a file counts as small. */
  readonly smallBytesMax: number
  readonly mergesDue: {
    readonly minor: number
    readonly major: number
    /** What they would take. */
    readonly chunks: number
    readonly bytes: number
  }
  /** How many chunks lie over the same time: where they are most, and on average. Estimated in tables of very many chunks. */
  readonly overlap: { readonly deepest: number; readonly average: number; readonly isExact: boolean }
  /** Chunks by the hour or day in which they begin; steps without any are left out. */
  readonly histogram: {
    readonly stepSeconds: number
    readonly steps: readonly {
      readonly from: number
      readonly realtime: number
      readonly archive: number
      readonly rows: number
      readonly bytes: number
    }[]
  }
  readonly largest: readonly {
    readonly id: string
    readonly layer: Layer
    readonly from: number
    readonly to: number
    readonly rows: number
    readonly bytes: number
  }[]
  /** Chunks of older snapshots. */
  readonly history: { readonly chunks: number; readonly bytes: number }
  readonly damaged: { readonly chunks: number; readonly rows: number }
}

/** The door of those who look after tables: whether their files are sound, and how they lie. */
export interface Upkeep {
  /** Submits a job of kind `verify`. Fails with `database_not_found` or `table_not_found`. */
  verify(who: { readonly accountId: number; readonly userId: number }, input: VerifyInput): Promise<Job>
  /** The newest first. Fails with `database_not_found` or `table_not_found`. */
  damagedChunks(accountId: number, database: string, table: string): Promise<DamagedChunk[]>
  /** Fails with `database_not_found` or `table_not_found`. */
  layout(accountId: number, database: string, table: string): Promise<TableLayout>
  /** Over all accounts, for metrics. */
  damage(): Promise<{ chunks: number; rows: number; bytes: number }>
}
