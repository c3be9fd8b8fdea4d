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
  const inputOf = async (principal: Principal, { sql, database }: Pick<QueryRequest, 'sql' | 'database'>) => {
    checkSql(sql)
    // The tables' databases are known after parsing only, which is the engine's work; this one is known now.
    if (database !== null) await access.require(principal, database.toLowerCase(), 'query')
    return { sql, database, principal } satisfies QueryJobInput
  }
  return {
    async submitQuery(principal, request) {
      requireQueryKey(principal)
      const input = await inputOf(principal, request)
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
    async scheduledQuery(principal, query) {
      requireFullKey(principal)
      return {
        kind: 'query',
        input: await inputOf(principal, query),
        priority: query.priority ?? 0,
        attemptsMax: query.attemptsMax ?? attemptsMax,
        timeoutMs: Math.min(query.timeoutMs ?? timeoutMs, timeoutMs),
      }
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

function requireFullKey({ keyKind }: Principal): void {
  if (keyKind === 'full') return
  throw new AppError('forbidden', `A key of the kind ${keyKind} may not make or change schedules.`, {
    hint: 'Use a full key: a schedule goes on without it, with all that its user may do.',
  })
}
