import { z } from 'zod'

import { job } from './jobs.ts'
import { operation } from './operation.ts'
import { name, waitSecondsMax } from './values.ts'

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
    priority: z.int().min(-2).max(2).default(0).describe('Higher is sooner.'),
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
