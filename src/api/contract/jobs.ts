import { z } from 'zod'

import { resultFormats, resultMediaTypes } from '../../deliver/deliver.ts'
import { operation } from './operation.ts'
import { id, idText, moment, pageOf, pageQuery, soughtText, waitSecondsMax } from './values.ts'
import { problem } from './problem.ts'

export const jobState = z.enum(['queued', 'delayed', 'running', 'retry_wait', 'success', 'error', 'killed', 'dead'])

const jobError = problem
  .pick({ code: true, retryable: true, hint: true, position: true })
  .extend({ message: z.string().describe('What went wrong with which thing.') })

const scan = z.object({
  database: z.string(),
  table: z.string(),
  snapshot: z.number().int(),
  chunks_opened: z.number().int().describe('What the plan opens of what there is.'),
  chunks_in_time: z
    .number()
    .int()
    .describe('Those that touch the time ranges; statistics leave out the others of them.'),
  chunks_total: z.number().int(),
  columns: z.array(z.string()),
  time_ranges: z.array(z.tuple([z.number().nullable(), z.number().nullable()])).describe('From, to; unix seconds.'),
  bytes: z.number().int().describe('Compressed bytes of the columns that are read.'),
})

export const engine = z
  .enum(['interactive', 'batch'])
  .describe('Interactive: tried once, begun soon. Batch: tried again, with more time and disk, beside the others.')

const queryOfJob = z.object({
  engine,
  sql: z.string(),
  database: z.string().nullable(),
  deliver_to: z
    .object({ database: z.string(), table: z.string(), mode: z.enum(['append', 'replace']) })
    .nullable()
    .describe('A table that the result goes to as well.'),
  result: z
    .object({
      statement: z.string(),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
      rows: z.number().int(),
      bytes: z.number().int().describe('Of the stored result.'),
      downloadable: z.boolean().describe('False where the statement has no rows to give.'),
      statements: z
        .array(z.object({ statement: z.string(), rows: z.number().int() }))
        .describe('What each statement was, and how many rows it gave, wrote or deleted.'),
      statistics: z.object({
        scans: z.array(scan),
        bytes_scanned: z.number().int(),
        from_metadata: z.boolean().describe('Whether the catalog knew the answer, so that nothing was opened.'),
        plan_ms: z.number(),
        run_ms: z.number(),
      }),
    })
    .nullable()
    .describe('Null until the job has succeeded.'),
})

const replay = z.object({
  released: z.number().int().describe('Records that left the quarantine.'),
  returned: z.number().int().describe('Records that could not be read this time either.'),
  passed_over: z.number().int().describe('Records of which it is not known how to read them by themselves.'),
  rows: z.number().int().describe('Rows that came out of it.'),
})

const verification = z.object({
  tables: z.number().int(),
  chunks: z.number().int(),
  bytes: z.number().int(),
  problem_count: z.number().int(),
  problems: z
    .array(
      z.object({
        database: z.string(),
        table: z.string(),
        chunk: z.string(),
        object_key: z.string(),
        what: z
          .enum(['missing', 'size', 'checksum', 'unreadable', 'rows', 'time_range', 'statistics', 'local_copy'])
          .describe('The first four are damage of the file; with the others the catalog is wrong about it.'),
        detail: z.string(),
        byte: z.number().int().nullable().describe('Where in the file, where that is known.'),
        outcome: z
          .enum(['reported', 'rewritten', 'merged_again', 'set_aside', 'fetched_anew', 'gone'])
          .describe('What was done about it.'),
      }),
    )
    .describe('The first thousand.'),
})

export const job = z
  .object({
    id,
    kind: z.string(),
    state: jobState,
    priority: z.number().int().min(-2).max(2),
    user_id: id.nullable(),
    attempt: z.number().int(),
    attempts_max: z.number().int(),
    timeout_seconds: z.number().nullable(),
    progress: z.unknown().describe('What the job says of itself while it runs.'),
    error: jobError.nullable().describe('Of the last attempt that failed.'),
    created_at: moment,
    run_at: moment,
    started_at: moment.nullable(),
    finished_at: moment.nullable(),
    kill_requested_at: moment.nullable(),
    query: queryOfJob.nullable().describe('For jobs of the kinds `query` and `batch`.'),
    verification: verification.nullable().describe('For jobs of the kind `verify` that have succeeded.'),
    replay: replay.nullable().describe('For jobs of the kind `replay` that have succeeded.'),
  })
  .meta({ id: 'Job' })

const jobPath = z.object({ job: idText })

export const listJobs = operation({
  id: 'listJobs',
  method: 'GET',
  path: '/jobs',
  tag: 'jobs',
  summary: 'Lists jobs, the newest first',
  description: 'Members see their own jobs; a page may be shorter than `limit` while there is a next one.',
  query: pageQuery.extend({ kind: soughtText.optional(), state: jobState.optional() }),
  answers: { 200: { description: 'The jobs.', schema: pageOf(job) } },
})

export const getJob = operation({
  id: 'getJob',
  method: 'GET',
  path: '/jobs/{job}',
  tag: 'jobs',
  summary: 'Shows a job, at once or when it is finished',
  params: jobPath,
  query: z.object({
    wait: z.coerce
      .number<string>()
      .min(0)
      .max(waitSecondsMax)
      .default(0)
      .describe('Seconds to wait for the end of the job; the answer then shows it as it is.'),
  }),
  answers: { 200: { description: 'The job.', schema: job } },
})

export const jobTransition = z
  .object({
    at: moment,
    from: jobState.nullable(),
    to: jobState,
    attempt: z.number().int(),
    actor: z.string(),
    reason: z.string(),
  })
  .meta({ id: 'JobTransition' })

export const getJobHistory = operation({
  id: 'getJobHistory',
  method: 'GET',
  path: '/jobs/{job}/history',
  tag: 'jobs',
  summary: 'Lists every change of a job’s state',
  params: jobPath,
  answers: { 200: { description: 'The changes, the oldest first.', schema: pageOf(jobTransition) } },
})

export const killJob = operation({
  id: 'killJob',
  method: 'POST',
  path: '/jobs/{job}/kill',
  tag: 'jobs',
  summary: 'Ends a job: a waiting one at once, a running one within a second',
  params: jobPath,
  answers: {
    200: { description: 'It is asked for.', schema: z.object({ id, former_state: jobState }) },
  },
})

export const getJobResult = operation({
  id: 'getJobResult',
  method: 'GET',
  path: '/jobs/{job}/result',
  tag: 'jobs',
  summary: 'Downloads the result of a query',
  description:
    'The first request of a format makes it. The answer has a strong ETag and takes Range and If-Range, so that a download can be resumed. HEAD tells size and ETag.',
  params: jobPath,
  query: z.object({ format: z.enum(resultFormats).optional().describe('Otherwise Accept says it; json by default.') }),
  headers: z.object({
    accept: z.string().optional(),
    range: z.string().optional(),
    'if-range': z.string().optional(),
    'if-none-match': z.string().optional(),
  }),
  answers: {
    200: { description: 'The whole result.', mediaTypes: Object.values(resultMediaTypes) },
    206: { description: 'The range of it that was asked for.', mediaTypes: Object.values(resultMediaTypes) },
    304: { description: 'You have it already.' },
  },
})
