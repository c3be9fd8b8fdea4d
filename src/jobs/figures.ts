import type { RetryCause } from './retry-rules.ts'
import type { ScheduledRun } from './schedules.ts'

/** How the queue is as a whole, over all accounts: for metrics, which everybody may read. It holds no names of theirs. */
export interface JobFigures {
  readonly limits: readonly LimitFigures[]
  /** Attempts that failed within the last `recentSeconds`, and whose jobs are to be tried again. */
  readonly retries: readonly { readonly cause: RetryCause; readonly count: number }[]
  /** Dead letters. */
  readonly dead: readonly { readonly kind: string; readonly count: number }[]
  readonly schedules: ScheduleFigures
}

export interface ScheduleFigures {
  readonly active: number
  readonly paused: number
  /** For how long the one that waits longest has been due; 0 where none is. */
  readonly lateSeconds: number
  /** Scheduled times that got their jobs within the last `recentSeconds`. */
  readonly fired: readonly { readonly cause: ScheduledRun['cause']; readonly count: number }[]
}

/** Limits taken together. */
export interface LimitFigures {
  /** `kind:query` and its like for those of all accounts; of others, only the sort: `account`, `workgroup`, `resource`. */
  readonly limit: string
  readonly slots: number
  readonly used: number
  /** How many of the limits have no room. */
  readonly full: number
}

/** The door of figures. */
export interface Figures {
  read(): Promise<JobFigures>
}

export const recentSeconds = 300
