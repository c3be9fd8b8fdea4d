import { AppError, isAppError, must } from '../../base/errors.ts'
import { resolveName } from '../planning/resolve-tables.ts'
import type { Statement, TableReference } from '../planning/statement.ts'
import { performStatement } from '../perform-statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { existingTable, uniqueIdOf, written } from '../writes/job-write.ts'
import { StagedTables } from './staged-tables.ts'
import { stagedStore } from './staged-store.ts'

/** Imports and merges go on beside a script; one that loses against them each time is tried again later. */
const roundsMax = 5

/**
 * Runs several statements as one: each sees what those before it did, and nothing of it is there for others until the commit at the
 * end puts everything in place. The answer is that of the last statement with rows to give, else of the last one.
 */
export async function runScript(context: QueryContext, statements: readonly Statement[]): Promise<QueryOutput> {
  if (await isCommitted(context, statements)) return await answerAgain(context, statements)
  for (let round = 1; round <= roundsMax; round += 1) {
    context.attempt.signal.throwIfAborted()
    const output = await tryScript(context, statements)
    if (output !== undefined) return output
  }
  throw new AppError('conflict', `The tables changed ${roundsMax} times under the statements; nothing was changed.`, {
    hint: 'The job is tried again by itself, where it may be.',
  })
}

/** Undefined where another commit came first. */
async function tryScript(context: QueryContext, statements: readonly Statement[]): Promise<QueryOutput | undefined> {
  const { accountId, attempt, ports } = context
  const fence = { jobId: attempt.job.id, leaseToken: attempt.leaseToken }
  const id = uniqueIdOf(context)
  const tables = new StagedTables(ports.store, { accountId, uniqueId: id, cause: id, fence })
  const within: QueryContext = { ...context, ports: { ...ports, store: stagedStore(ports.store, tables) } }
  const outputs: QueryOutput[] = []
  for (const statement of statements) {
    context.attempt.signal.throwIfAborted()
    outputs.push(await performStatement(within, statement))
  }
  context.progress({ stage: 'storing', percent: null, bytesToScan: null })
  if (!(await commit(tables))) return undefined
  return answerOf(outputs)
}

async function commit(tables: StagedTables): Promise<boolean> {
  try {
    return await tables.commit()
  } catch (error) {
    // Somebody made a table of the name meanwhile; whether the script minds, its next round tells.
    if (isAppError(error, 'already_exists')) return false
    throw error
  }
}

function answerOf(outputs: readonly QueryOutput[]): QueryOutput {
  const answer = outputs.findLast(({ resultKey }) => resultKey !== null) ?? outputs.at(-1)
  const statements = outputs.map(({ statement, rows }) => ({ statement, rows }))
  return { ...must(answer, 'a script has statements'), statements }
}

/** Whether an earlier attempt at this job got as far as its commit. */
async function isCommitted(context: QueryContext, statements: readonly Statement[]): Promise<boolean> {
  if (context.attempt.job.attempt <= 1) return false
  for (const reference of statements.flatMap(targetsOf)) {
    const table = await existingTable(context, resolveName(context, reference))
    if (table === undefined) continue
    const applied = await context.ports.store.appliedIds(context.accountId, table.id, [uniqueIdOf(context)])
    if (applied.length > 0) return true
  }
  return false
}

/** What is left to be done where the changes are in place: the rows that the last SELECT gives, by the tables as they are now. */
async function answerAgain(context: QueryContext, statements: readonly Statement[]): Promise<QueryOutput> {
  const last = statements.findLast((statement) => targetsOf(statement).length === 0)
  if (last !== undefined) return await performStatement(context, last)
  return written('insert', 0)
}

/** The tables that a statement changes. */
function targetsOf(statement: Statement): TableReference[] {
  switch (statement.kind) {
    case 'select':
    case 'explain':
    case 'describe':
    case 'show_databases':
    case 'show_tables':
      return []
    default:
      return [statement.table]
  }
}
