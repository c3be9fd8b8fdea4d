import { z } from 'zod'

import { contentEncodings, importFormats } from '../../collect/collect.ts'
import { operation } from './operation.ts'
import { tablePath, waitSecondsMax } from './values.ts'

/** What a body may be called in Content-Type, when `format` does not say it. */
export const importMediaTypes = {
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'application/json': 'json',
  'application/msgpack': 'msgpack',
  'application/x-msgpack': 'msgpack',
  'application/vnd.msgpack': 'msgpack',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/vnd.apache.parquet': 'parquet',
  'application/x-parquet': 'parquet',
} as const satisfies Readonly<Record<string, (typeof importFormats)[number]>>

const format = z.enum(importFormats)
const uniqueId = z.string().min(1).max(255)
const encoding = `Content-Encoding may be ${contentEncodings.join(', ')}.`

const importQuery = z.object({
  id: uniqueId.optional().describe('Your id of this body. A body whose id was applied before has no effect.'),
  format: format.optional().describe('Of the records; otherwise Content-Type says it.'),
  time_column: z.string().min(1).max(255).optional().describe('The column that holds the time, instead of `time`.'),
  wait: z.enum(['visible']).optional().describe('Answers only when the rows can be queried, with counts.'),
  wait_seconds: z.coerce.number<string>().int().min(1).max(waitSecondsMax).default(60),
})

const importHeaders = z.object({
  'x-biwa-id': uniqueId.optional().describe('As the parameter `id`.'),
  'x-biwa-format': format.optional().describe('As the parameter `format`.'),
  'x-biwa-time-column': z.string().min(1).max(255).optional().describe('As the parameter `time_column`.'),
  'idempotency-key': uniqueId.optional().describe('As the parameter `id`.'),
})

export const importReceipt = z
  .object({
    id: z.string().describe('Yours, or the one that the body was given.'),
    bytes: z.number().int().describe('As received, before inflation.'),
  })
  .meta({ id: 'ImportReceipt' })

export const importOutcome = z
  .object({
    id: z.string(),
    accepted: z.number().int().describe('Records that can be queried now.'),
    quarantined: z.number().int().describe('Records that could not be read; none is lost.'),
    rejected: z
      .array(z.object({ record_number: z.number().int().nullable(), reason: z.string(), detail: z.string() }))
      .describe('The first of the quarantined records.'),
    duplicate: z.boolean().describe('The id was applied before: the counts are those of that time.'),
    seconds: z.number().describe('From the receipt of the body to this answer.'),
  })
  .meta({ id: 'ImportOutcome' })

const answers = {
  200: { description: 'With `wait=visible`: the rows can be queried.', schema: importOutcome },
  202: { description: 'The body is on disk and will be applied exactly once.', schema: importReceipt },
} as const

const importBody = {
  mediaTypes: [...Object.keys(importMediaTypes), 'application/octet-stream'],
  description: `The records. ${encoding}`,
}

const importShape = {
  path: '/databases/{database}/tables/{table}/import',
  tag: 'imports',
  door: 'import',
  description:
    'The database and the table are made on the first write, if the key may. Send it again with the same `id` until it is acknowledged: it counts once.',
  params: tablePath,
  query: importQuery,
  headers: importHeaders,
  body: importBody,
  answers,
} as const

export const postImport = operation({
  id: 'postImport',
  method: 'POST',
  summary: 'Imports a body of records',
  ...importShape,
})
export const putImport = operation({
  id: 'putImport',
  method: 'PUT',
  summary: 'Imports a body of records, as POST does',
  ...importShape,
})

export const postEvents = operation({
  id: 'postEvents',
  method: 'POST',
  path: '/databases/{database}/tables/{table}/events',
  tag: 'imports',
  door: 'events',
  summary: 'Sends one or a few events',
  description:
    'The body is one JSON object, an array of them, or one per line with the content type application/x-ndjson.',
  params: tablePath,
  query: importQuery.pick({ time_column: true, wait: true, wait_seconds: true }),
  headers: importHeaders.pick({ 'idempotency-key': true }),
  body: { mediaTypes: ['application/json', 'application/x-ndjson'], description: `The events. ${encoding}` },
  answers,
})
