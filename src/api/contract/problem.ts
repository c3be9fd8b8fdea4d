import { z } from 'zod'

/** Every failure is answered with this, as `application/problem+json` (RFC 9457). */
export const problem = z
  .object({
    type: z.string().describe('`urn:biwa:problem:` and the code: a name, not an address.'),
    title: z.string().describe('The kind of failure; the same every time.'),
    status: z.number().int(),
    detail: z.string().describe('What went wrong with which thing.'),
    instance: z.string().describe('The path of the request.'),
    code: z.string().describe('A code that never changes its meaning.'),
    request_id: z.string().describe('Also in the header X-Request-Id; names the request in the log.'),
    retryable: z.boolean().describe('Whether the same request can succeed later without being changed.'),
    hint: z.string().optional().describe('What to do next.'),
    position: z
      .object({
        offset: z.number().int().optional().describe('From 0.'),
        line: z.number().int().optional().describe('From 1.'),
        column: z.number().int().optional().describe('From 1.'),
      })
      .optional()
      .describe('Where in the input.'),
  })
  .meta({ id: 'Problem' })

export type Problem = z.output<typeof problem>

export const problemMediaType = 'application/problem+json'
