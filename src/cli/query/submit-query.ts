import type { Job } from '../answers.ts'
import type { Client } from '../client.ts'
import { uuidv7 } from '../../base/randomness.ts'
import type { Terminal } from '../terminal.ts'
import type { ResultFormat } from './download.ts'

export interface NewQuery {
  readonly sql: string
  readonly database: string | undefined
  readonly engine?: string | undefined
  readonly retryLimit?: number | undefined
  readonly priority?: number | undefined
  readonly idempotencyKey?: string | undefined
  readonly timeoutSeconds?: number | undefined
  /** In which the result will be downloaded, if it will. */
  readonly resultFormat?: ResultFormat
  /** How long the answer may take, in the hope that the job is finished by then. */
  readonly waitSeconds: number
}

/** Submits a statement. Its key makes it safe to send it again when no answer comes: it becomes one job. */
export function submitQuery(client: Client, terminal: Terminal, query: NewQuery): Promise<Job> {
  const { sql, database, engine, retryLimit, priority, timeoutSeconds, waitSeconds, resultFormat } = query
  return client.post<Job>(
    '/queries',
    {
      sql,
      database: database ?? null,
      idempotency_key: query.idempotencyKey ?? `cli-${uuidv7(terminal.clock, terminal.randomness)}`,
      wait_seconds: waitSeconds,
      ...(resultFormat !== undefined && { result_format: resultFormat }),
      ...(engine !== undefined && { engine }),
      ...(retryLimit !== undefined && { retry_limit: retryLimit }),
      ...(priority !== undefined && { priority }),
      ...(timeoutSeconds !== undefined && { timeout_seconds: timeoutSeconds }),
    },
    { retry: { forMs: 10_000, unreachable: false } },
  )
}
