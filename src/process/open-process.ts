import type { Access, Principal } from '../access/access.ts'
import { AppError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Jobs, NewJob } from '../jobs/jobs.ts'
import type { Delivery, Process, QueryEngine, QueryJobInput, QueryRequest } from './process.ts'
import { queryJobKinds } from './process.ts'

export interface ProcessOptions {
  readonly access: Access
  readonly jobs: Jobs
  readonly clock: Clock
  /** The longest that a query may run on each engine, and how long it may where the request does not say. */
  readonly timeoutMs: Readonly<Record<QueryEngine, number>>
}

/** A million holds lists of a hundred thousand numbers; parsing more of it would take seconds. */
export const sqlCharactersMax = 1_000_000

/** A query whose process was lost, most often for its memory, is not likely to do better the third time. */
const attemptsOfBatch = 4
const attemptsOfNone = 3

export function openProcess({ access, jobs, clock, timeoutMs }: ProcessOptions): Process {
  const inputOf = async (principal: Principal, query: InputOfRequest): Promise<QueryJobInput> => {
    const { sql, database, submittedAs, delivery } = query
    checkSql(sql)
    // The tables' databases are known after parsing only, which is the engine's work; this one is known now.
    if (database !== null) await access.require(principal, database.toLowerCase(), 'query')
    if (delivery !== undefined) await access.require(delivery.principal, delivery.database, privilegeFor(delivery))
    return {
      sql,
      database,
      principal,
      ...(submittedAs !== undefined && { submittedAs }),
      ...(delivery !== undefined && { delivery }),
    }
  }
  return {
    async submitQuery(principal, request) {
      requireQueryKey(principal)
      const { engine = 'interactive', scheduledTime } = request
      const scheduledMs = scheduledTime?.getTime()
      const input: QueryJobInput = {
        ...(await inputOf(principal, request)),
        ...(request.resultFormat !== undefined && { resultFormat: request.resultFormat }),
        ...(scheduledMs !== undefined && { scheduledTime: Math.floor(scheduledMs / 1000) }),
      }
      return await jobs.submit({
        accountId: principal.accountId,
        userId: principal.userId,
        kind: queryJobKinds[engine],
        input,
        attemptsMax: attemptsOf(request),
        timeoutMs: Math.min(request.timeoutMs ?? Infinity, timeoutMs[engine]),
        ...scheduling(request),
        ...(scheduledTime !== undefined && scheduledTime.getTime() > clock.nowMs() && { runAt: scheduledTime }),
      })
    },
    async scheduledQuery(principal, query) {
      requireFullKey(principal)
      const { engine = 'interactive' } = query
      return {
        kind: queryJobKinds[engine],
        input: await inputOf(principal, query),
        priority: query.priority ?? 0,
        attemptsMax: query.attemptsMax ?? attemptsOfNone,
        timeoutMs: Math.min(query.timeoutMs ?? Infinity, timeoutMs[engine]),
      }
    },
  }
}

type InputOfRequest = Pick<QueryRequest, 'sql' | 'database' | 'submittedAs' | 'delivery'>

const privilegeFor = ({ mode }: Delivery) => (mode === 'replace' ? 'full' : 'import')

/** An interactive query that was lost is not begun again behind the back of whoever waits for it, unless they asked for that. */
function attemptsOf({ engine, retryLimit }: QueryRequest): number {
  if (retryLimit !== undefined) return retryLimit + 1
  if (engine === undefined) return attemptsOfNone
  return engine === 'batch' ? attemptsOfBatch : 1
}

function scheduling({
  priority,
  idempotencyKey,
  domainKey,
}: QueryRequest): Pick<NewJob, 'priority' | 'uniqueKey' | 'domainKey'> {
  return {
    ...(priority !== undefined && { priority }),
    ...(idempotencyKey !== undefined && { uniqueKey: idempotencyKey }),
    ...(domainKey !== undefined && { domainKey }),
  }
}

/** What the job's row in PostgreSQL cannot hold. */
const unstorable = /[\0\p{Surrogate}]/u

function checkSql(sql: string): void {
  if (sql.length > sqlCharactersMax) {
    throw new AppError('body_too_large', `The SQL is longer than ${sqlCharactersMax} characters.`, {
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
