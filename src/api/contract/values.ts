import { z } from 'zod'

// What the shapes of several operations are made of.

export const id = z.number().int().positive()

/** An id in a path or query, where everything is text. */
export const idText = z.coerce.number<string>().int().positive()

export const moment = z.iso.datetime({ offset: true }).describe('ISO 8601, UTC.')

/** Names are checked by the stages, which say the rule; here only their length is bounded. */
export const name = z.string().min(1).max(255)

export const databasePath = z.object({ database: name })
export const tablePath = z.object({ database: name, table: name })

/** Text to look for: PostgreSQL knows none with a zero byte in it. */
export const soughtText = z
  .string()
  .max(100)
  .refine((text) => !text.includes('\0'), 'a text without a zero byte')

/** One page of a list, from the newest down. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('What to send as `cursor` for the next page; null on the last.'),
  })
}

export const pageQuery = z.object({
  limit: z.coerce.number<string>().int().min(1).max(1000).default(100).describe('How many items at most.'),
  cursor: z.string().max(1000).optional().describe('`next_cursor` of the page before.'),
})

/** Seconds that the server may hold a request back while it waits for work to finish. */
export const waitSecondsMax = 300
