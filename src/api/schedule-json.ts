import type { Schedule, ScheduledRun } from '../jobs/schedules.ts'
import type { QueryJobInput } from '../process/process.ts'
import { engineOfKind } from '../process/process.ts'
import { jobJson } from './job-json.ts'

/** A schedule as the contract shows it. All that users can make run queries. */
export function scheduleJson({ job, ...schedule }: Schedule) {
  const { sql, database } = job.input as QueryJobInput
  return {
    id: schedule.id,
    name: schedule.name,
    cron: schedule.cron,
    timezone: schedule.timezone,
    delay_seconds: schedule.delaySeconds,
    catch_up: schedule.catchUp,
    sql,
    database,
    engine: engineOfKind(job.kind) ?? 'interactive',
    priority: job.priority,
    timeout_seconds: job.timeoutMs === undefined ? null : job.timeoutMs / 1000,
    attempts_max: job.attemptsMax,
    user_id: schedule.userId,
    // A pause keeps the time from which it goes on; as the next one it would mislead.
    next_time: schedule.pausedAt === null ? (schedule.nextTime?.toISOString() ?? null) : null,
    paused_at: schedule.pausedAt?.toISOString() ?? null,
    created_at: schedule.createdAt.toISOString(),
  }
}

export function runJson({ scheduledTime, cause, firedAt, job }: ScheduledRun) {
  return {
    scheduled_time: scheduledTime.toISOString(),
    cause,
    fired_at: firedAt.toISOString(),
    job: job === null ? null : shortJobJson(jobJson(job)),
  }
}

function shortJobJson({ id, state, attempt, error, run_at, started_at, finished_at }: ReturnType<typeof jobJson>) {
  return { id, state, attempt, error, run_at, started_at, finished_at }
}
