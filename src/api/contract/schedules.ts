import { z } from 'zod'

import { previewMax } from '../../jobs/schedules.ts'
import { engine, job } from './jobs.ts'
import { operation } from './operation.ts'
import { id, moment, pageOf, pageQuery } from './values.ts'

/** The stage says the rule; what it refuses are characters that addresses and PostgreSQL cannot hold. */
const sought = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !text.includes('\0'), 'a text without a zero byte')
const scheduleName = sought.refine((text) => text !== '.' && text !== '..', 'a name other than . and ..')
const schedulePath = z.object({ schedule: sought })

const cron = z.string().max(200).describe('Five fields, six with seconds in front, or `@daily` and its like.')
const timezone = z.string().max(100).describe('An IANA name, in which the fields of `cron` are read.')
const scheduleFields = z.object({
  name: scheduleName.describe('Unique in the account.'),
  cron: cron
    .nullable()
    .describe('Five fields, six with seconds in front, or `@daily` and its like. Null: only by hand.'),
  timezone,
  delay_seconds: z.int().min(0).max(316_224_000).describe('After the scheduled time, until the job is due.'),
  catch_up: z.enum(['all', 'last', 'skip']).describe('What to do about times that passed without a scheduler.'),
  sql: z.string().min(1),
  database: sought.nullable().describe('Where unqualified names are looked up.'),
  engine,
  priority: z.int().min(-2).max(2).describe('Higher is sooner.'),
  timeout_seconds: z.number().positive().max(86_400).nullable().describe('Null: as long as the server allows.'),
  attempts_max: z.int().min(1).max(100).describe('How often a job is tried that fails for a passing reason.'),
})

export const schedule = scheduleFields
  .extend({
    id,
    name: z.string(),
    cron: z.string().nullable().describe('Null: it runs only by hand.'),
    timezone: z.string(),
    database: z.string().nullable(),
    timeout_seconds: z.number().nullable(),
    attempts_max: z.number().int(),
    user_id: id.describe('In whose name it runs: with the permissions that they have then.'),
    next_time: moment
      .nullable()
      .describe('The next scheduled time, before the delay; null where there is none, or a pause.'),
    paused_at: moment.nullable(),
    created_at: moment,
  })
  .meta({ id: 'Schedule' })

export const scheduleRun = z
  .object({
    scheduled_time: moment,
    cause: z.enum(['schedule', 'run_now', 'backfill']),
    fired_at: moment,
    job: job
      .pick({ id: true, state: true, attempt: true, error: true, run_at: true, started_at: true, finished_at: true })
      .nullable()
      .describe('Null where it was deleted after its retention.'),
  })
  .meta({ id: 'ScheduleRun' })

const scheduledTimes = z.object({ times: z.array(moment) })

export const listSchedules = operation({
  id: 'listSchedules',
  method: 'GET',
  path: '/schedules',
  tag: 'schedules',
  summary: 'Lists schedules by name',
  description: 'Members see their own, administrators all of the account.',
  query: pageQuery,
  answers: { 200: { description: 'The schedules.', schema: pageOf(schedule) } },
})

export const createSchedule = operation({
  id: 'createSchedule',
  method: 'POST',
  path: '/schedules',
  tag: 'schedules',
  summary: 'Makes a schedule that runs a query',
  description: 'Needs a full key. It goes on when the key is revoked, with the permissions that its user has then.',
  body: z.strictObject({
    ...scheduleFields.shape,
    timezone: timezone.default('UTC'),
    delay_seconds: scheduleFields.shape.delay_seconds.default(0),
    catch_up: scheduleFields.shape.catch_up.default('all'),
    database: scheduleFields.shape.database.default(null),
    engine: engine.default('interactive'),
    priority: scheduleFields.shape.priority.default(0),
    timeout_seconds: scheduleFields.shape.timeout_seconds.default(null),
    attempts_max: scheduleFields.shape.attempts_max.default(3),
  }),
  answers: { 201: { description: 'The schedule.', schema: schedule } },
})

export const previewCron = operation({
  id: 'previewCron',
  method: 'POST',
  path: '/schedules/preview',
  tag: 'schedules',
  summary: 'Tells the next times of a cron, without making a schedule',
  body: z.strictObject({ cron, timezone: timezone.default('UTC'), count: z.int().min(1).max(previewMax).default(10) }),
  answers: { 200: { description: 'The times, the next one first.', schema: scheduledTimes } },
})

export const getSchedule = operation({
  id: 'getSchedule',
  method: 'GET',
  path: '/schedules/{schedule}',
  tag: 'schedules',
  summary: 'Shows a schedule',
  params: schedulePath,
  answers: { 200: { description: 'The schedule.', schema: schedule } },
})

export const updateSchedule = operation({
  id: 'updateSchedule',
  method: 'PATCH',
  path: '/schedules/{schedule}',
  tag: 'schedules',
  summary: 'Changes what is named of a schedule',
  description:
    'Jobs that were made before stay as they are. Whoever changes `sql` or `database`, or says `take_over`, is its user from then on: nobody has SQL of their own run with the permissions of another.',
  params: schedulePath,
  body: z.strictObject({
    ...scheduleFields.partial().shape,
    take_over: z.literal(true).optional().describe('It runs in your name from now on.'),
  }),
  answers: { 200: { description: 'The schedule.', schema: schedule } },
})

export const deleteSchedule = operation({
  id: 'deleteSchedule',
  method: 'DELETE',
  path: '/schedules/{schedule}',
  tag: 'schedules',
  summary: 'Deletes a schedule with the list of its runs; their jobs stay',
  params: schedulePath,
  answers: { 204: { description: 'It is gone.' } },
})

export const pauseSchedule = operation({
  id: 'pauseSchedule',
  method: 'POST',
  path: '/schedules/{schedule}/pause',
  tag: 'schedules',
  summary: 'Lets no scheduled time make a job until it is resumed',
  params: schedulePath,
  answers: { 200: { description: 'The schedule.', schema: schedule } },
})

export const resumeSchedule = operation({
  id: 'resumeSchedule',
  method: 'POST',
  path: '/schedules/{schedule}/resume',
  tag: 'schedules',
  summary: 'Ends a pause; times that passed meanwhile are treated as `catch_up` says',
  params: schedulePath,
  answers: { 200: { description: 'The schedule.', schema: schedule } },
})

export const runSchedule = operation({
  id: 'runSchedule',
  method: 'POST',
  path: '/schedules/{schedule}/run',
  tag: 'schedules',
  summary: 'Makes the job of this second, or of a scheduled time',
  description: 'A time has one job, however often it is asked for: a second request answers the first run.',
  params: schedulePath,
  body: z
    .strictObject({
      scheduled_time: moment.optional().describe('By default now.'),
      again: z
        .boolean()
        .default(false)
        .describe('Makes another job where that of the time is finished, however it ended, or deleted.'),
    })
    .prefault({}),
  answers: { 200: { description: 'The run.', schema: scheduleRun } },
})

export const backfillSchedule = operation({
  id: 'backfillSchedule',
  method: 'POST',
  path: '/schedules/{schedule}/backfill',
  tag: 'schedules',
  summary: 'Makes the jobs of all scheduled times of a range that have none',
  description: 'At most 10,000 times.',
  params: schedulePath,
  body: z.strictObject({
    from: moment,
    to: moment.describe('Not in the range.'),
    dry_run: z.boolean().default(false).describe('Only tells which.'),
  }),
  answers: { 200: { description: 'The times that got a job, or would.', schema: scheduledTimes } },
})

export const listNextTimes = operation({
  id: 'listNextTimes',
  method: 'GET',
  path: '/schedules/{schedule}/next',
  tag: 'schedules',
  summary: 'Tells the next scheduled times, as if it were not paused',
  params: schedulePath,
  query: z.object({ count: z.coerce.number<string>().int().min(1).max(previewMax).default(10) }),
  answers: { 200: { description: 'The times, the next one first; none without a cron.', schema: scheduledTimes } },
})

export const listScheduleRuns = operation({
  id: 'listScheduleRuns',
  method: 'GET',
  path: '/schedules/{schedule}/runs',
  tag: 'schedules',
  summary: 'Lists the scheduled times that were run, with their jobs',
  params: schedulePath,
  query: pageQuery,
  answers: { 200: { description: 'The runs, the latest scheduled time first.', schema: pageOf(scheduleRun) } },
})
