import { z } from 'zod'

import { jobState } from './jobs.ts'
import { operation } from './operation.ts'

export const check = z.object({
  name: z.string().describe('Such as `database` or `object_store`.'),
  ok: z.boolean(),
  detail: z.string().nullable().describe('What is wrong.'),
})

export const getStatus = operation({
  id: 'getStatus',
  method: 'GET',
  path: '/status',
  tag: 'server',
  summary: 'Shows how the server is',
  answers: {
    200: {
      description: 'The server answers, whether or not all that it needs does.',
      schema: z.object({
        version: z.string(),
        ok: z.boolean().describe('All checks are well.'),
        checks: z.array(check),
        jobs: z
          .array(
            z.object({
              kind: z.string(),
              state: jobState,
              count: z.number().int(),
              oldest_seconds: z.number().describe('The age of the oldest of them.'),
            }),
          )
          .nullable()
          .describe('Waiting and running jobs of the whole installation; null while the database is away.'),
      }),
    },
  },
})
