import { z } from 'zod'

import { job } from './jobs.ts'
import { operation } from './operation.ts'
import { table } from './tables.ts'
import { moment, name, pageOf, pageQuery, tablePath, waitSecondsMax } from './values.ts'

// What is done with tables as a whole. Renaming, swapping and bringing back happen at once; what changes rows is a job.

const idempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .describe('The same change with the same key is made once, however often it is sent.')

export const updateTable = operation({
  id: 'updateTable',
  method: 'PATCH',
  path: '/databases/{database}/tables/{table}',
  tag: 'tables',
  summary: 'Changes the properties of a table',
  description: 'What is left out stays as it is.',
  params: tablePath,
  body: z.strictObject({
    expire_days: z
      .int()
      .min(1)
      .nullable()
      .optional()
      .describe('Rows older than this are removed; null keeps all of them.'),
    history_hours: z
      .int()
      .min(0)
      .optional()
      .describe('For so long the table can be read as it was, and brought back after it was dropped.'),
    cluster_by: z.array(name).max(8).optional().describe('The order of rows in the archive; empty for that of time.'),
    schema_mode: z
      .enum(['evolve', 'freeze', 'quarantine'])
      .optional()
      .describe('What happens to keys that have no column: they make one, are rescued, or their record is rejected.'),
  }),
  answers: { 200: { description: 'The table.', schema: table } },
})

export const renameTable = operation({
  id: 'renameTable',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/rename',
  tag: 'tables',
  summary: 'Gives a table another name, or another database',
  params: tablePath,
  body: z.strictObject({
    name,
    database: name.optional().describe('Where it is to be another one.'),
    idempotency_key: idempotencyKey,
  }),
  answers: { 200: { description: 'The table.', schema: table } },
})

export const swapTables = operation({
  id: 'swapTables',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/swap',
  tag: 'tables',
  summary: 'Lets two tables change names',
  description:
    'Whoever reads sees both as before or both as after. Without `idempotency_key`, a repetition swaps back.',
  params: tablePath,
  body: z.strictObject({
    with: name,
    database: name.optional().describe('Of the other table, where it is another one.'),
    idempotency_key: idempotencyKey,
  }),
  answers: { 204: { description: 'They have changed names.' } },
})

export const undropTable = operation({
  id: 'undropTable',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/undrop',
  tag: 'tables',
  summary: 'Brings back the table of this name that was dropped last',
  description: 'As long as its `history_hours` say, and its name is free.',
  params: tablePath,
  answers: { 200: { description: 'The table.', schema: table } },
})

export const purgeHistory = operation({
  id: 'purgeHistory',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/purge_history',
  tag: 'tables',
  summary: 'Ends the history of a table',
  description:
    'What it was before now cannot be read any more from here on. The files go after the grace period, in which running queries finish.',
  params: tablePath,
  answers: {
    200: {
      description: 'It is ended.',
      schema: z.object({ chunks: z.number().int().describe('How many chunks wait for their files to be removed.') }),
    },
  },
})

const jobOptions = {
  idempotency_key: idempotencyKey,
  wait_seconds: z
    .number()
    .min(0)
    .max(waitSecondsMax)
    .default(0)
    .describe('How long to wait for the end of the job before it is answered as it is.'),
}

const jobAnswers = {
  200: { description: 'The job is finished, well or not: see `state`.', schema: job },
  202: { description: 'The job is submitted.', schema: job },
} as const

export const truncateTable = operation({
  id: 'truncateTable',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/truncate',
  tag: 'tables',
  summary: 'Deletes all rows of a table',
  description: 'A job, as `TRUNCATE TABLE` is. The rows can be read as they were for as long as `history_hours` say.',
  params: tablePath,
  body: z.strictObject(jobOptions),
  answers: jobAnswers,
})

export const deleteRows = operation({
  id: 'deleteRows',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/delete_rows',
  tag: 'tables',
  summary: 'Deletes the rows of a range of time',
  description: 'A job, as `DELETE FROM … WHERE time >= from AND time < to` is. For other conditions, submit that SQL.',
  params: tablePath,
  body: z.strictObject({
    from: z.int().describe('Unix seconds: the first that goes.'),
    to: z.int().describe('Unix seconds: the first that stays.'),
    ...jobOptions,
  }),
  answers: jobAnswers,
})

const totals = z.object({ rows: z.number().int(), bytes: z.number().int(), chunks: z.number().int() })

export const snapshot = z
  .object({
    snapshot: z.number().int(),
    committed_at: moment,
    operation: z.string().describe('Such as `import`, `merge`, `delete`, `alter`.'),
    cause: z.string().describe('Who did it, such as `job:17`.'),
    schema_version: z.number().int(),
    rows: z.number().int().nullable().describe('What the table has with it; null where it was not counted yet.'),
    bytes: z.number().int().nullable(),
    chunks: z.number().int().nullable(),
    added: totals,
    removed: totals,
    kept: z.boolean().describe('Whether the table can be read as it was: `FOR VERSION AS OF`.'),
  })
  .meta({ id: 'Snapshot' })

export const listSnapshots = operation({
  id: 'listSnapshots',
  method: 'GET',
  path: '/databases/{database}/tables/{table}/snapshots',
  tag: 'tables',
  summary: 'Lists what was done with a table',
  params: tablePath,
  query: pageQuery,
  answers: { 200: { description: 'The snapshots, the newest first.', schema: pageOf(snapshot) } },
})

const asOf = z
  .string()
  .regex(/^(\d{1,15}|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))$/)
  .describe('The number of a snapshot, or a time (ISO 8601), which means the newest snapshot of then.')

export const diffSnapshots = operation({
  id: 'diffSnapshots',
  method: 'GET',
  path: '/databases/{database}/tables/{table}/diff',
  tag: 'tables',
  summary: 'Tells what happened from one snapshot of a table to another',
  params: tablePath,
  query: z.object({ from: asOf, to: asOf.optional().describe('By default the newest snapshot.') }),
  answers: {
    200: {
      description: 'The difference.',
      schema: z.object({
        from: z.number().int(),
        to: z.number().int(),
        operations: z.array(
          z.object({ operation: z.string(), commits: z.number().int(), added: totals, removed: totals }),
        ),
        added: totals.describe('Chunks that only the later one has. After a merge they hold the rows of others.'),
        removed: totals.describe('Chunks that only the earlier one has.'),
      }),
    },
  },
})
