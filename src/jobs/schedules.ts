import type { Job } from './jobs.ts'

/** What to do about times that passed while no scheduler ran or the schedule was paused. */
export type CatchUp = 'all' | 'last' | 'skip'

/** With `skip`, times that are older than this are passed over; younger ones were only a moment late. */
export const skippedAfterSeconds = 60

/**
 * What each firing submits: `input` as the kind wants it, and the rest as in `NewJob`. Where `input` is an object, the job
 * gets with it `scheduledTime`, the scheduled time in unix seconds; a key of this name is replaced.
 */
export interface ScheduledJob {
  readonly kind: string
  readonly input: unknown
  readonly priority?: number
  readonly attemptsMax?: number
  readonly timeoutMs?: number
  readonly workgroup?: string
  readonly resources?: Readonly<Record<string, number>>
}

export interface Schedule {
  readonly id: number
  readonly accountId: number
  readonly userId: number
  /** Unique in the account. */
  readonly name: string
  /** Five fields, six with seconds in front, or `@hourly`, `@daily`, `@weekly`, `@monthly`. Null: only by hand. */
  readonly cron: string | null
  /** An IANA name, in which the fields of `cron` are read. */
  readonly timezone: string
  /** Seconds after the scheduled time at which the job is due. */
  readonly delaySeconds: number
  readonly catchUp: CatchUp
  readonly job: ScheduledJob & Required<Pick<ScheduledJob, 'priority' | 'attemptsMax'>>
  readonly pausedAt: Date | null
  /** The next scheduled time, before the delay; null when there is none. */
  readonly nextTime: Date | null
  readonly createdAt: Date
}

export type NewSchedule = Pick<Schedule, 'accountId' | 'userId' | 'name' | 'cron'> & {
  readonly job: ScheduledJob
} & Partial<Pick<Schedule, 'timezone' | 'delaySeconds' | 'catchUp'>>

/** What is not named stays as it is, also inside of the job; its `input` is replaced as a whole. */
export type ScheduleChange = Partial<
  Pick<Schedule, 'userId' | 'name' | 'cron' | 'timezone' | 'delaySeconds' | 'catchUp'>
> & { readonly job?: Partial<ScheduledJob> }

/** Whose schedules are meant: those of an account, or those of one of its users. Others do not exist. */
export interface ScheduleScope {
  readonly accountId: number
  readonly userId?: number
}

/** One scheduled time and the job that was made for it: there is exactly one. */
export interface ScheduledRun {
  readonly scheduledTime: Date
  readonly cause: 'schedule' | 'run_now' | 'backfill'
  readonly firedAt: Date
  /** Null where retention has deleted it. */
  readonly job: Job | null
}

/** The door of the scheduler. Everything is confined to a scope; unknown names fail with `schedule_not_found`. */
export interface Schedules {
  /** Fails with `already_exists`, or `invalid_request` for a cron or a time zone that cannot be read. */
  create(schedule: NewSchedule): Promise<Schedule>
  get(scope: ScheduleScope, name: string): Promise<Schedule>
  /** By name, after `after`. */
  list(scope: ScheduleScope, page: { readonly after?: string; readonly limit: number }): Promise<Schedule[]>
  update(scope: ScheduleScope, name: string, change: ScheduleChange): Promise<Schedule>
  delete(scope: ScheduleScope, name: string): Promise<Schedule>
  pause(scope: ScheduleScope, name: string): Promise<Schedule>
  /** Goes on; what passed meanwhile is treated as `catchUp` says. */
  resume(scope: ScheduleScope, name: string): Promise<Schedule>
  /**
   * Runs it for a scheduled time, by default this second. A time that ran already answers the same job; `again` makes
   * another one where that is finished or deleted, which takes its place in the history.
   */
  runNow(
    scope: ScheduleScope,
    name: string,
    which?: { readonly at?: Date; readonly again?: boolean },
  ): Promise<ScheduledRun>
  /**
   * Submits a job for every scheduled time in [from, to) that has none. `dryRun` only tells which. At most
   * `backfillTimesMax`; a longer range fails with `invalid_request`.
   */
  backfill(
    scope: ScheduleScope,
    name: string,
    range: { readonly from: Date; readonly to: Date; readonly dryRun: boolean },
  ): Promise<Date[]>
  /** The next `count` (at most `previewMax`) scheduled times after now, or another moment, as if it were not paused. None without a cron. */
  next(scope: ScheduleScope, name: string, count: number, after?: Date): Promise<Date[]>
  /** The same for a schedule that is not made yet. Fails with `invalid_request` where it could not be made. */
  preview(cron: string, timezone: string, count: number): Promise<Date[]>
  /** The newest first, before `before`. */
  history(
    scope: ScheduleScope,
    name: string,
    page: { readonly before?: Date; readonly limit: number },
  ): Promise<ScheduledRun[]>
}

export const backfillTimesMax = 10_000

export const previewMax = 1000
