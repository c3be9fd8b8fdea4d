import { z } from 'zod'

import { contentEncodings, importFormats } from '../../collect/collect.ts'
import { job } from './jobs.ts'
import { operation } from './operation.ts'
import { id, idText, moment, pageOf, soughtText, tablePath } from './values.ts'

const below = '/databases/{database}/tables/{table}/quarantine'
const recordPath = tablePath.extend({ record: idText })

export const quarantineReason = z
  .object({
    reason: z.string().describe('A short code, such as `json_syntax`.'),
    count: z.number().int(),
    bytes: z.number().int(),
    detail: z.string().describe('Of the newest one.'),
    first_at: moment,
    last_at: moment,
  })
  .meta({ id: 'QuarantineReason' })

export const listQuarantineReasons = operation({
  id: 'listQuarantineReasons',
  method: 'GET',
  path: `${below}/reasons`,
  tag: 'tables',
  summary: 'Counts the records that could not be read by reason',
  params: tablePath,
  answers: { 200: { description: 'The reasons, that of the most records first.', schema: pageOf(quarantineReason) } },
})

export const quarantineItem = z
  .object({
    id,
    unique_id: z.string().describe('The id of the body that the record came in.'),
    record_number: z.number().int().nullable().describe('Of the record in its body, from 0; null for a whole body.'),
    byte_offset: z.number().int().nullable(),
    reason: z.string(),
    detail: z.string(),
    raw_bytes: z.number().int().describe('The length of the record as it came.'),
    fixed_bytes: z
      .number()
      .int()
      .nullable()
      .describe('The length of what is read instead; null where nobody mended it.'),
    format: z.string().nullable().describe('As what it is read; null where that is not known.'),
    encoding: z.string().nullable(),
    time_column: z.string().nullable(),
    key_id: z.number().int().nullable().describe('With which it was sent.'),
    door: z.string().nullable().describe('Where it came in.'),
    revision: z.number().int().describe('How often it was changed or read again.'),
    history: z
      .array(
        z.object({
          what: z.enum(['fixed', 'replayed']),
          at: z.string(),
          user_id: z.number().int().nullable().describe('Who mended it.'),
          job_id: z.number().int().nullable().describe('The job that read it again.'),
          reason: z.string().nullable().describe('Why it had been in the quarantine until then.'),
          detail: z.string().nullable(),
        }),
      )
      .describe('What became of it before, the oldest first.'),
    quarantined_at: moment,
  })
  .meta({ id: 'QuarantineItem' })

export const getQuarantined = operation({
  id: 'getQuarantined',
  method: 'GET',
  path: `${below}/{record}`,
  tag: 'tables',
  summary: 'Shows a record that could not be read, with its history',
  params: recordPath,
  answers: { 200: { description: 'The record, without its bytes.', schema: quarantineItem } },
})

export const getQuarantinedBytes = operation({
  id: 'getQuarantinedBytes',
  method: 'GET',
  path: `${below}/{record}/bytes`,
  tag: 'tables',
  summary: 'Gives the whole bytes of a record that could not be read',
  params: recordPath,
  answers: { 200: { description: 'As it came, or as it was mended.', mediaTypes: ['application/octet-stream'] } },
})

const uniqueId = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !text.includes('\0'), 'a text without a zero byte')

const those = {
  ids: z.array(id).min(1).max(1000).optional().describe('These.'),
  reason: soughtText.min(1).optional().describe('Those with this reason.'),
  unique_id: uniqueId.optional().describe('Those of the body with this id.'),
  all: z.boolean().default(false).describe('All of the table.'),
}

const edit = z.strictObject({
  find: z.string().min(1).max(10_000),
  replace: z.string().max(10_000),
  as: z.enum(['text', 'hex']).default('text').describe('Whether both are text, or bytes in hexadecimal digits.'),
})

export const fixQuarantine = operation({
  id: 'fixQuarantine',
  method: 'POST',
  path: `${below}/fix`,
  tag: 'tables',
  summary: 'Mends records that could not be read',
  description:
    'Changes what is read when the records are replayed: either by edits, each of which replaces a piece wherever it is found, or ' +
    'for one record by new bytes. The original is kept. Records of more than 4 MiB are left alone.',
  params: tablePath,
  body: z.strictObject({
    ...those,
    edits: z.array(edit).max(20).optional().describe('One after the other.'),
    raw: z.string().optional().describe('The new bytes of one record, as `raw_encoding` says.'),
    raw_encoding: z.enum(['utf8', 'base64']).default('utf8'),
    format: z.enum(importFormats).optional().describe('Read it as this.'),
    encoding: z.enum(contentEncodings).optional().describe('It is compressed so.'),
    time_column: z.string().min(1).max(255).nullable().optional(),
    after: z.number().int().min(0).default(0).describe('`next` of the answer before.'),
    dry_run: z.boolean().default(false).describe('Only say how many would be changed.'),
  }),
  answers: {
    200: {
      description: 'What was done with some of the records; ask again with `next` until it is null.',
      schema: z
        .object({
          matched: z.number().int(),
          changed: z.number().int(),
          too_large: z.number().int(),
          next: z.number().int().nullable(),
        })
        .meta({ id: 'QuarantineFixed' }),
    },
  },
})

export const replayQuarantine = operation({
  id: 'replayQuarantine',
  method: 'POST',
  path: `${below}/replay`,
  tag: 'tables',
  summary: 'Submits a job that reads records again',
  description:
    'Each goes through the same conversion as when it came. What can be read leaves the quarantine in the commit of its rows; what ' +
    'fails again stays, with the new reason. `replay` of the job tells how many.',
  params: tablePath,
  body: z.strictObject(those),
  answers: { 202: { description: 'The job.', schema: job } },
})

export const deleteQuarantine = operation({
  id: 'deleteQuarantine',
  method: 'POST',
  path: `${below}/delete`,
  tag: 'tables',
  summary: 'Deletes records that could not be read, for good',
  params: tablePath,
  body: z.strictObject(those),
  answers: {
    200: {
      description: 'How many of them are gone now; ask again until it is 0.',
      schema: z.object({ deleted: z.number().int() }).meta({ id: 'QuarantineDeleted' }),
    },
  },
})
