import { z } from 'zod'

import { intakeDoors } from '../../collect/rejections.ts'
import { operation } from './operation.ts'
import { moment, pageOf } from './values.ts'

export const rejection = z
  .object({
    kind: z
      .enum(['request', 'record'])
      .describe('A request or frame that was refused, or records that were quarantined.'),
    door: z.string().nullable().describe('Where it came in.'),
    key_id: z.number().int().nullable().describe('Null where the key is none of the account’s.'),
    key_hint: z.string().nullable().describe('The last four characters of a key that the account does not have.'),
    database: z.string().nullable(),
    table: z.string().nullable(),
    reason: z.string().describe('Of a request the code of the problem, of records the reason in the quarantine.'),
    count: z.number().int().describe('Requests, or records.'),
    detail: z.string().describe('What was wrong with the newest one.'),
    rest: z.boolean().describe('It stands for all that were too different to be counted apart.'),
    last_at: moment,
  })
  .meta({ id: 'Rejection' })

export const listRejections = operation({
  id: 'listRejections',
  method: 'GET',
  path: '/rejections',
  tag: 'imports',
  summary: 'Tells what was rejected in the last minutes, and why',
  description:
    'Requests that a door of the intake refused, by key, door, table and code, and records that were quarantined, by table and ' +
    'reason. Members see those of the databases that they may query. Counts of the last second may be missing.',
  query: z.object({
    minutes: z.coerce.number<string>().int().min(1).max(1440).default(10).describe('How far to look back.'),
    key: z
      .string()
      .regex(/^([1-9]\d{0,15}|…[\s\S]{1,4})$/u)
      .optional()
      .describe('The id of a key, or `…` and the last characters of one that the account does not have.'),
    door: z.enum(intakeDoors).optional().describe('Only what came in there.'),
    limit: z.coerce.number<string>().int().min(1).max(1000).default(1000).describe('How many items at most.'),
  }),
  answers: { 200: { description: 'What was rejected, the newest first.', schema: pageOf(rejection) } },
})
