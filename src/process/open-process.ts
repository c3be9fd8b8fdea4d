import type { Access, Principal } from '../access/access.ts'
import { AppError } from '../base/errors.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Process, QueryJobInput, QueryRequest } from './process.ts'

export interface ProcessOptions {
  readonly access: Access
  readonly jobs: Jobs
  /** The longest that a query may run, and how long it may where the request does not say. */
  readonly timeoutMs: number
}

/** A megabyte holds lists of a hundred thousand numbers; parsing more of it would take seconds. */
export const sqlBytesMax = 1_000_000

/** A query whose process was lost, most often for its memory, is not likely to do better the third time. */
const attemptsMax = 3

export function openProcess({ access, jobs, timeoutMs }: ProcessOptions): Process {
  return {
    async submitQuery(principal, request) {
      checkSql(request.sql)
      requireQueryKey(principal)
      // The tables' databases are known after parsing only, which is the engine's work; this one is known now.
      if (request.database !== null) await access.require(principal, request.database.toLowerCase(), 'query')
      const input: QueryJobInput = { sql: request.sql, database: request.database, principal }
      return await jobs.submit({
        accountId: principal.accountId,
        userId: principal.userId,
        kind: 'query',
        input,
        attemptsMax,
        timeoutMs: Math.min(request.timeoutMs ?? timeoutMs, timeoutMs),
        ...scheduling(request),
      })
    },
  }
}

function scheduling({ priority, idempotencyKey }: QueryRequest): { priority?: number; uniqueKey?: string } {
  return {
    ...(priority !== undefined && { priority }),
    ...(idempotencyKey !== undefined && { uniqueKey: idempotencyKey }),
  }
}

/** What the job's row in PostgreSQL cannot hold. */
const unstorable = /[\0\p{Surrogate}]/u

function checkSql(sql: string): void {
  if (Buffer.byteLength(sql) > sqlBytesMax) {
    throw new AppError('body_too_large', `The SQL is longer than ${sqlBytesMax} bytes.`, {
      hint: 'Put long lists of values into a table, and join with it.',
    })
  }
  if (sql.trim() === '') throw new AppError('query_syntax', 'The SQL is empty.', { hint: 'Begin with SELECT.' })
  if (unstorable.test(sql)) {
    throw new AppError('query_syntax', 'The SQL has the character zero or half of a character in it.', {
      hint: 'Send the SQL as UTF-8 text.',
      position: { offset: Math.max(0, sql.search(unstorable)) },
    })
  }
}

function requireQueryKey({ keyKind }: Principal): void {
  if (keyKind !== 'import') return
  throw new AppError('forbidden', 'The API key is for imports only.', {
    hint: 'Use a full key, or one for queries.',
  })
}
