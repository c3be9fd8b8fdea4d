import { z } from 'zod'

import { operation } from './operation.ts'
import { databasePath, id, moment, name, pageOf, pageQuery, tablePath } from './values.ts'

const column = z.object({
  name: z.string(),
  type: z.string().describe('Such as `bigint`, `decimal(10,2)`, `map(varchar,bigint)`.'),
})

export const table = z
  .object({
    id,
    database: z.string(),
    name: z.string(),
    snapshot: z.number().int().describe('The newest commit; 0 before the first.'),
    rows: z.number().int(),
    bytes: z.number().int().describe('Compressed, in the object store.'),
    columns: z.array(column.extend({ field_id: z.number().int().describe('Permanent; files name the column by it.') })),
    expire_days: z.number().int().nullable().describe('Rows older than this are removed; null keeps all of them.'),
    history_hours: z.number().int().describe('For so long it can be read as it was, and brought back when dropped.'),
    schema_mode: z.string().describe('What happens to keys without a column: `evolve`, `freeze`, `quarantine`.'),
    cluster_by: z.array(z.string()).describe('The order of rows in the archive; empty for that of time.'),
    created_at: moment,
    updated_at: moment,
  })
  .meta({ id: 'Table' })

export const listTables = operation({
  id: 'listTables',
  method: 'GET',
  path: '/databases/{database}/tables',
  tag: 'tables',
  summary: 'Lists the tables of a database',
  params: databasePath,
  answers: { 200: { description: 'The tables, by name.', schema: pageOf(table) } },
})

export const createTable = operation({
  id: 'createTable',
  method: 'POST',
  path: '/databases/{database}/tables',
  tag: 'tables',
  summary: 'Makes a table',
  description:
    'Every table has the columns `time`, `time_us` and `_rescued`. Columns need no declaration: imports add what they bring.',
  params: databasePath,
  body: z.strictObject({
    name,
    columns: z
      .array(z.strictObject({ name, type: z.string().min(1).max(10_000) }))
      .max(2000)
      .default([]),
    if_not_exists: z.boolean().default(false).describe('Answers the existing one instead of a failure.'),
  }),
  answers: { 201: { description: 'The table.', schema: table } },
})

export const getTable = operation({
  id: 'getTable',
  method: 'GET',
  path: '/databases/{database}/tables/{table}',
  tag: 'tables',
  summary: 'Shows a table with its columns and sizes',
  params: tablePath,
  answers: { 200: { description: 'The table.', schema: table } },
})

export const deleteTable = operation({
  id: 'deleteTable',
  method: 'DELETE',
  path: '/databases/{database}/tables/{table}',
  tag: 'tables',
  summary: 'Drops a table',
  description:
    'Queries that run finish on what they opened. It can be brought back for as long as its `history_hours` say.',
  params: tablePath,
  answers: { 204: { description: 'It is gone.' } },
})

export const quarantinedRecord = z
  .object({
    id,
    unique_id: z.string().describe('The id of the body that the record came in.'),
    record_number: z.number().int().nullable().describe('Of the record in its body, from 0.'),
    byte_offset: z.number().int().nullable().describe('Of the record in the inflated body, from 0.'),
    reason: z.string().describe('A short code, such as `json_syntax`.'),
    detail: z.string(),
    raw: z.string().describe('The first bytes of the record (at most 64 KiB), as `raw_encoding` says.'),
    raw_encoding: z.enum(['utf8', 'base64']).describe('base64 where the bytes are no UTF-8.'),
    raw_bytes: z.number().int().describe('The length of the whole record.'),
    quarantined_at: moment,
  })
  .meta({ id: 'QuarantinedRecord' })

export const listQuarantine = operation({
  id: 'listQuarantine',
  method: 'GET',
  path: '/databases/{database}/tables/{table}/quarantine',
  tag: 'tables',
  summary: 'Lists the records that could not be read',
  params: tablePath,
  query: pageQuery,
  answers: { 200: { description: 'The records, the newest first.', schema: pageOf(quarantinedRecord) } },
})
