import type { Privilege } from '../../access/access.ts'
import { isAppError } from '../../base/errors.ts'
import type { Commit, Table } from '../../store/store.ts'
import { noStatistics } from '../plan-select.ts'
import type { ResolvedName } from '../planning/resolve-tables.ts'
import { requirePrivilege, resolveName, tableNotFound } from '../planning/resolve-tables.ts'
import type { TableReference } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'

/** The table that a statement changes, once it is known that the user may. */
export async function requireTarget(
  context: QueryContext,
  reference: TableReference,
  privilege: Privilege,
): Promise<Table> {
  const name = resolveName(context, reference)
  await requirePrivilege(context, [name], privilege)
  const table = await existingTable(context, name)
  if (table === undefined) throw await tableNotFound(context, name)
  return table
}

export async function existingTable(context: QueryContext, name: ResolvedName): Promise<Table | undefined> {
  try {
    return await context.ports.store.table(context.accountId, name.database, name.name)
  } catch (error) {
    if (isAppError(error, 'table_not_found')) return undefined
    throw isAppError(error, 'database_not_found') ? await tableNotFound(context, name) : error
  }
}

/** By which a write of this job is known again: it is done once, however often the job is tried. */
export function uniqueIdOf({ attempt }: QueryContext): string {
  return `job:${attempt.job.id}`
}

/** The rows of this job's write to the table in an earlier attempt; undefined where there was none. */
export async function appliedRows(context: QueryContext, table: Table): Promise<number | undefined> {
  const [applied] = await context.ports.store.appliedIds(context.accountId, table.id, [uniqueIdOf(context)])
  return applied?.rows
}

/** What all commits of the job have in common; `rows` is what its answer says. */
export function commitOfJob(
  context: QueryContext,
  rows: number,
): Pick<Commit, 'accountId' | 'cause' | 'ids' | 'quarantined' | 'fence'> {
  const { accountId, attempt } = context
  return {
    accountId,
    cause: uniqueIdOf(context),
    ids: [{ uniqueId: uniqueIdOf(context), rows, quarantined: 0 }],
    quarantined: [],
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  }
}

export function written(
  statement: QueryOutput['statement'],
  rows: number,
  statistics: QueryOutput['statistics'] = noStatistics,
): QueryOutput {
  return { statement, columns: [], rows, resultKey: null, resultBytes: 0, statistics }
}
