import { z } from 'zod'

import { job } from './jobs.ts'
import { operation } from './operation.ts'
import { moment, name, pageOf, tablePath } from './values.ts'

export const verifyTables = operation({
  id: 'verifyTables',
  method: 'POST',
  path: '/verifications',
  tag: 'tables',
  summary: 'Submits a job that verifies the files of tables',
  description:
    'Every live chunk: whether its object is there, with the size and checksum that it was written with, whether it can be ' +
    'read, and whether rows, times and statistics are those of the catalog. `verification` of the job tells what was found. ' +
    'All databases of the account are for administrators; one takes the full permission on it.',
  body: z.strictObject({
    database: name.nullable().default(null).describe('Null for all of the account.'),
    table: name.nullable().default(null).describe('Null for all of the database.'),
    sample: z
      .int()
      .min(1)
      .max(1_000_000)
      .nullable()
      .default(null)
      .describe('So many chunks of each table, by chance; null for all.'),
    repair: z
      .boolean()
      .default(false)
      .describe('Mends what can be mended without losing a row, and sets aside what cannot.'),
  }),
  answers: { 202: { description: 'The job is submitted.', schema: job } },
})

const layer = z.enum(['realtime', 'archive'])
const count = z.number().int()
const seconds = z.number().int().describe('Unix seconds.')

export const tableLayout = z
  .object({
    snapshot: count,
    layers: z.array(
      z.object({
        layer,
        chunks: count,
        rows: count,
        bytes: count,
        from: seconds,
        to: seconds,
        small_chunks: count.describe('Chunks of fewer bytes than `small_bytes_max`.'),
        small_bytes: count.describe('The bytes in them.'),
      }),
    ),
    small_bytes_max: count,
    merges_due: z.object({
      minor: count,
      major: count,
      chunks: count.describe('What they will take.'),
      bytes: count,
    }),
    overlap: z.object({
      deepest: count.describe('The most chunks that lie over one time.'),
      average: z.number().describe('Over the time in which there are any.'),
      exact: z.boolean().describe('False in tables of more than 50,000 chunks, where a thousand times are looked at.'),
    }),
    histogram: z.object({
      step_seconds: count,
      steps: z
        .array(z.object({ from: seconds, realtime: count, archive: count, rows: count, bytes: count }))
        .describe('Chunks by the time at which they begin. Steps without any are left out.'),
    }),
    largest: z.array(z.object({ id: z.string(), layer, from: seconds, to: seconds, rows: count, bytes: count })),
    history: z.object({ chunks: count, bytes: count }).describe('Chunks of older snapshots.'),
    damaged: z.object({ chunks: count, rows: count }).describe('Chunks that were set aside.'),
  })
  .meta({ id: 'TableLayout' })

export const getTableLayout = operation({
  id: 'getTableLayout',
  method: 'GET',
  path: '/databases/{database}/tables/{table}/layout',
  tag: 'tables',
  summary: 'Shows how the chunks of a table lie',
  description: 'What a query would open of them, `EXPLAIN` tells: see `statistics.scans` of its job.',
  params: tablePath,
  answers: { 200: { description: 'The layout of the newest snapshot.', schema: tableLayout } },
})

export const damagedChunk = z
  .object({
    id: z.string(),
    object_key: z.string().describe('Of its file in the object store, which is kept.'),
    from: seconds,
    to: seconds,
    rows: count,
    bytes: count,
    reason: z.string().describe('A short code, such as `checksum` or `missing`.'),
    detail: z.string(),
    byte_offset: count.nullable().describe('Where in the file, where that is known.'),
    snapshot: count.describe('The first without it.'),
    set_aside_at: moment,
  })
  .meta({ id: 'DamagedChunk' })

export const listDamagedChunks = operation({
  id: 'listDamagedChunks',
  method: 'GET',
  path: '/databases/{database}/tables/{table}/damaged-chunks',
  tag: 'tables',
  summary: 'Lists the chunks that were set aside because their files are damaged',
  params: tablePath,
  answers: { 200: { description: 'The chunks, the newest first; at most 1000.', schema: pageOf(damagedChunk) } },
})
