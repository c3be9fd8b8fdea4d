import { join } from 'node:path'

import type { Attempt, JobKind } from '../jobs/jobs.ts'
import { describeTable, showDatabases, showTables } from './catalog-answers.ts'
import { explainSelect } from './explain-select.ts'
import { planSelect } from './plan-select.ts'
import { parseStatement } from './planning/parse-statement.ts'
import type { QueryJobInput, QueryOutput } from './process.ts'
import type { QueryContext, QueryLimits, QueryPorts } from './query-context.ts'
import { storeResult } from './store-result.ts'
import { createTableAs, insertInto } from './writes/add-rows.ts'
import { changeTable } from './writes/alter-tables.ts'
import { deleteFrom } from './writes/delete-rows.ts'
import { mergeInto } from './writes/merge-rows.ts'
import { insertOverwrite, removeAllRows } from './writes/replace-all.ts'

export interface QueryJobOptions extends QueryPorts {
  /** For the files of running queries; on the disk of a directory store, results need no copy. */
  readonly scratchDirectory: string
  readonly limits: QueryLimits
  /** How many queries run at once in this process; as many engine processes are of use. */
  readonly concurrency: number
}

/** The job kind that runs SQL, for the worker role. */
export function queryJobKind(options: QueryJobOptions): JobKind {
  return {
    kind: 'query',
    concurrency: options.concurrency,
    handler: (attempt) => runQuery(options, attempt),
  }
}

async function runQuery(options: QueryJobOptions, attempt: Attempt): Promise<QueryOutput> {
  const context = await queryContext(options, attempt)
  context.progress({ stage: 'planning', percent: null, bytesToScan: null })
  await options.disk.makeDirectory(context.scratch)
  try {
    return await perform(context)
  } finally {
    await options.disk.removeDirectory(context.scratch)
  }
}

async function queryContext(options: QueryJobOptions, attempt: Attempt): Promise<QueryContext> {
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
    moment: { nowUs, scheduledSeconds: input.scheduledTime ?? Math.floor(job.createdAt.getTime() / 1000) },
    scratch: join(scratchDirectory, `query-${job.id}-${attempt.leaseToken}`),
    deadlineMs: clock.monotonicMs() + Math.min(job.timeoutMs ?? limits.timeoutMs, limits.timeoutMs),
    progress: (progress) => attempt.progress(progress),
  }
}

async function perform(context: QueryContext): Promise<QueryOutput> {
  const statement = parseStatement(context.input.sql)
  switch (statement.kind) {
    case 'select':
      return await storeResult(context, await planSelect(context, statement.select), 'select')
    case 'explain':
      return await explainSelect(context, statement.select)
    case 'describe':
      return await describeTable(context, statement)
    case 'show_databases':
      return await showDatabases(context, statement)
    case 'show_tables':
      return await showTables(context, statement)
    case 'insert':
      return await (statement.overwrite ? insertOverwrite : insertInto)(context, statement)
    case 'merge':
      return await mergeInto(context, statement)
    case 'delete':
      return await deleteFrom(context, statement)
    case 'truncate':
      return await removeAllRows(context, statement.table, 'truncate')
    case 'create_table_as':
      return await createTableAs(context, statement)
    default:
      return await changeTable(context, statement)
  }
}
