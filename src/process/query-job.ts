import { join } from 'node:path'

import type { Attempt, JobKind } from '../jobs/jobs.ts'
import { performStatement } from './perform-statement.ts'
import { dialectOf } from './planning/dialects/dialect.ts'
import { inTranslation } from './planning/dialects/translate.ts'
import { KnownAnalyses } from './planning/known-analyses.ts'
import { KnownPlans } from './planning/known-plans.ts'
import { KnownStatements } from './planning/known-statements.ts'
import { runScript } from './scripts/run-script.ts'
import type { QueryEngine, QueryJobInput, QueryOutput } from './process.ts'
import { queryJobKinds } from './process.ts'
import type { QueryContext, QueryLimits, QueryPorts } from './query-context.ts'
import { Scratch } from './scratch.ts'

export interface QueryJobOptions extends QueryPorts {
  /** For the files of running queries; on the disk of a directory store, results need no copy. */
  readonly scratchDirectory: string
  readonly limits: QueryLimits
  /** How many queries run at once in this process; as many engine processes are of use. */
  readonly concurrency: number
}

/** What is remembered from one query to the next. */
type Known = Pick<QueryContext, 'statements' | 'analyses' | 'plans'>

/** The job kind that runs SQL on one of the engines, for the worker role. */
export function queryJobKind(options: QueryJobOptions, engine: QueryEngine = 'interactive'): JobKind {
  const known = { statements: new KnownStatements(), analyses: new KnownAnalyses(), plans: new KnownPlans() }
  return {
    kind: queryJobKinds[engine],
    concurrency: options.concurrency,
    handler: (attempt) => runQuery(options, known, attempt),
  }
}

async function runQuery(options: QueryJobOptions, known: Known, attempt: Attempt): Promise<QueryOutput> {
  const context = { ...(await queryContext(options, attempt)), ...known }
  context.progress({ stage: 'planning', percent: null, bytesToScan: null })
  try {
    return await perform(context)
  } finally {
    if (context.scratch.mayHaveFiles) await options.disk.removeDirectory(context.scratch.path)
  }
}

async function queryContext(options: QueryJobOptions, attempt: Attempt): Promise<Omit<QueryContext, keyof Known>> {
  const { access, clock, limits, scratchDirectory } = options
  const { job } = attempt
  const input = job.input as QueryJobInput
  // Hours may have passed since somebody asked, or years since they made the schedule.
  const principal = await access.asOfNow(input.principal)
  const nowUs = clock.nowUs()
  return {
    ports: options,
    limits,
    attempt,
    input,
    principal,
    accountId: principal.accountId,
    moment: {
      nowUs,
      scheduledSeconds: input.scheduledTime ?? Math.floor(job.createdAt.getTime() / 1000),
      integerDivision: dialectOf(input.submittedAs) === 'presto',
    },
    scratch: new Scratch(join(scratchDirectory, `query-${job.id}-${attempt.leaseToken}`)),
    windows: join(scratchDirectory, 'windows'),
    deadlineMs: clock.monotonicMs() + Math.min(job.timeoutMs ?? limits.timeoutMs, limits.timeoutMs),
    progress: (progress) => attempt.progress(progress),
  }
}

async function perform(context: QueryContext): Promise<QueryOutput> {
  const { input, statements } = context
  const translation = statements.translation(input.sql, dialectOf(input.submittedAs))
  return await inTranslation(input.sql, translation, async (sql) => {
    const within = { ...context, input: { ...input, sql } }
    const [statement, ...more] = statements.script(sql)
    if (statement !== undefined && more.length === 0) return await performStatement(within, statement)
    return await runScript(within, statement === undefined ? [] : [statement, ...more])
  })
}
