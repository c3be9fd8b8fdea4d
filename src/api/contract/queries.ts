import { z } from 'zod'

import { resultFormats } from '../../deliver/deliver.ts'
import { engine, job } from './jobs.ts'
import { operation } from './operation.ts'
import { moment, name, waitSecondsMax } from './values.ts'

const idempotencyKey = z.string().min(1).max(255).describe('Submitting a key again answers the first job.')

export const submitQuery = operation({
  id: 'submitQuery',
  method: 'POST',
  path: '/queries',
  tag: 'queries',
  summary: 'Submits a statement of SQL',
  description: 'A query is a job: it goes on when the client goes away.',
  headers: z.object({ 'idempotency-key': idempotencyKey.optional() }),
  body: z.strictObject({
    sql: z.string().min(1),
    database: name.nullable().default(null).describe('Where unqualified names are looked up.'),
    engine: engine
      .optional()
      .describe('How it is run. Unless it is said, as an interactive query that is tried up to three times.'),
    priority: z.int().min(-2).max(2).default(0).describe('Higher is sooner.'),
    retry_limit: z
      .int()
      .min(0)
      .max(32)
      .optional()
      .describe('How often it is tried again after a failure that may pass.'),
    scheduled_time: moment
      .optional()
      .describe('What `TD_SCHEDULED_TIME()` answers; where it is yet to come, the query waits for it.'),
    deliver_to: z
      .strictObject({ database: name, table: name, mode: z.enum(['append', 'replace']).default('append') })
      .optional()
      .describe(
        'A table that the result goes to as well, once, before the job is a success. Columns go by their names.',
      ),
    result_format: z
      .enum(resultFormats)
      .default('json')
      .describe('How the result will be read. A small one is there in this format as soon as the job is a success.'),
    domain_key: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('Submitting a key again is refused with `already_exists`, whatever it was submitted for.'),
    idempotency_key: idempotencyKey.optional(),
    timeout_seconds: z.number().positive().max(86_400).optional(),
    wait_seconds: z
      .number()
      .min(0)
      .max(waitSecondsMax)
      .default(0)
      .describe('How long to wait for the end of the job before it is answered as it is.'),
  }),
  answers: {
    200: { description: 'The job is finished, well or not: see `state`.', schema: job },
    202: { description: 'The job is submitted.', schema: job },
  },
})
