import { z } from 'zod'

import { job } from './jobs.ts'
import { operation } from './operation.ts'
import { id, idText, moment, name, pageOf, pageQuery, soughtText } from './values.ts'

const waitingReason = z
  .object({
    reason: z.enum(['not_due', 'no_worker', 'limit', 'limit_paused', 'behind', 'workers_busy', 'next']),
    until: moment.optional(),
    state: z
      .enum(['delayed', 'retry_wait'])
      .optional()
      .describe('Of what is not due: submitted for later, or tried again.'),
    kind: z.string().optional(),
    key: z.string().optional().describe('Of the limit.'),
    slots: z.number().int().optional(),
    used: z.number().int().optional(),
    wants: z.number().int().optional().describe('The slots that the job takes.'),
    ahead: z.number().int().optional().describe('Jobs that go first.'),
    at_least: z.boolean().optional().describe('True where no more jobs ahead were counted, though there may be more.'),
    places: z.number().int().optional().describe('In all workers of the kind.'),
  })
  .meta({ id: 'WaitingReason' })

export const explainJob = operation({
  id: 'explainJob',
  method: 'GET',
  path: '/jobs/{job}/waiting',
  tag: 'jobs',
  summary: 'Says why a job waits',
  params: z.object({ job: idText }),
  answers: {
    200: {
      description: 'The reasons, in the order in which they would have to be solved.',
      schema: z.object({
        id,
        position: z
          .number()
          .int()
          .nullable()
          .describe('1 is the first of its kind, account and limits; null: it does not wait.'),
        reasons: z.array(waitingReason),
      }),
    },
  },
})

export const worker = z
  .object({
    name: z.string().describe('As histories name it.'),
    host: z.string(),
    pid: z.number().int(),
    version: z.string().describe('Of the code that it runs.'),
    kinds: z.array(z.object({ kind: z.string(), concurrency: z.number().int() })),
    state: z.enum(['running', 'draining']),
    started_at: moment,
    seen_at: moment,
    jobs: z.number().int().describe('How many it runs.'),
  })
  .meta({ id: 'Worker' })

export const listWorkers = operation({
  id: 'listWorkers',
  method: 'GET',
  path: '/workers',
  tag: 'jobs',
  summary: 'Lists the processes that take jobs',
  description: 'For administrators. All that gave a sign of life within the last minute.',
  answers: { 200: { description: 'The workers.', schema: pageOf(worker) } },
})

const limitKey = name.describe(
  '`resource:1/redshift`, `workgroup:1/etl`, `account:1`, `account:1/kind:query` or `kind:query`.',
)

export const limit = z
  .object({ key: limitKey, slots: z.number().int(), used: z.number().int(), paused_until: moment.nullable() })
  .meta({ id: 'Limit' })

export const listLimits = operation({
  id: 'listLimits',
  method: 'GET',
  path: '/limits',
  tag: 'jobs',
  summary: 'Lists the limits of the account, with the slots in use',
  answers: { 200: { description: 'The limits, by key.', schema: pageOf(limit) } },
})

export const putLimit = operation({
  id: 'putLimit',
  method: 'PUT',
  path: '/limits',
  tag: 'jobs',
  summary: 'Makes or changes a limit',
  description:
    'For administrators; keys that begin with `account:` or `kind:` are for the operators, the administrators of the first account. Fewer slots than are used end nothing. Counts the jobs that begin from now on.',
  body: z.strictObject({ key: limitKey, slots: z.number().int() }),
  answers: { 200: { description: 'The limit.', schema: limit } },
})

export const removeLimit = operation({
  id: 'removeLimit',
  method: 'POST',
  path: '/limits/remove',
  tag: 'jobs',
  summary: 'Removes a limit',
  body: z.strictObject({ key: limitKey }),
  answers: { 200: { description: 'The limit as it was.', schema: limit } },
})

export const pauseLimit = operation({
  id: 'pauseLimit',
  method: 'POST',
  path: '/limits/pause',
  tag: 'jobs',
  summary: 'Lets no job of a limit begin until a time',
  body: z.strictObject({ key: limitKey, until: moment.nullable().describe('Null ends the pause.') }),
  answers: { 200: { description: 'The limit.', schema: limit } },
})

export const deadLetterGroup = z
  .object({
    fingerprint: z.string().describe('Of the error, without what differs between occurrences.'),
    kind: z.string(),
    count: z.number().int(),
    first_at: moment,
    last_at: moment,
    error_code: z.string(),
    error_message: z.string().describe('Of the youngest of them.'),
    job_id: id.describe('The youngest of them.'),
  })
  .meta({ id: 'DeadLetterGroup' })

export const listDeadLetters = operation({
  id: 'listDeadLetters',
  method: 'GET',
  path: '/dead-letters',
  tag: 'jobs',
  summary: 'Groups jobs that used up their attempts by what they failed of',
  answers: { 200: { description: 'The groups, the largest first.', schema: pageOf(deadLetterGroup) } },
})

const deadLetterFilter = z.strictObject({
  fingerprint: soughtText.optional(),
  kind: soughtText.optional(),
  ids: z.array(id).max(1000).optional(),
  since: moment.optional(),
  until: moment.optional(),
})

export const listDeadJobs = operation({
  id: 'listDeadJobs',
  method: 'GET',
  path: '/dead-letters/jobs',
  tag: 'jobs',
  summary: 'Lists jobs that used up their attempts',
  query: pageQuery.extend(deadLetterFilter.pick({ fingerprint: true, kind: true }).shape),
  answers: { 200: { description: 'The jobs, the newest first.', schema: pageOf(job) } },
})

export const redriveJobs = operation({
  id: 'redriveJobs',
  method: 'POST',
  path: '/dead-letters/redrive',
  tag: 'jobs',
  summary: 'Queues dead jobs again, with all their attempts before them',
  description: 'For administrators. The oldest first, at most 10,000 at a time.',
  // A filter that was forgotten or misspelt is not to queue everything.
  body: deadLetterFilter
    .extend({
      all: z.boolean().default(false).describe('Has to be true where nothing else says which jobs.'),
      dry_run: z.boolean().default(false).describe('Only tells which.'),
    })
    .refine(
      ({ all, dry_run: _dryRun, ...filter }) => all || Object.values(filter).some((value) => value !== undefined),
      'say which jobs, or `all`',
    ),
  answers: {
    200: {
      description: 'What was queued, or would be.',
      schema: z.object({ ids: z.array(id), more: z.boolean().describe('There are more: ask again.') }),
    },
  },
})
