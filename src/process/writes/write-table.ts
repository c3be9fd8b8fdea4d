import { AppError, isAppError } from '../../base/errors.ts'
import { fieldIdsClause, queryColumns } from '../../store/columns.ts'
import type { Column, Commit, Table } from '../../store/store.ts'
import { writtenChunk } from '../../store/written-chunk.ts'
import type { PlannedSelect } from '../plan-select.ts'
import { noStatistics, planSelect, statisticsOf } from '../plan-select.ts'
import type { ResolvedName } from '../planning/resolve-tables.ts'
import { requirePrivilege, resolveName, tableNotFound } from '../planning/resolve-tables.ts'
import type { Statement } from '../planning/statement.ts'
import { tokenize } from '../planning/tokens.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { runSelect } from '../run-select.ts'
import type { Assignment } from './assignment.ts'
import { assignments } from './assignment.ts'
import { pairCreate, pairInsert } from './target-columns.ts'

/** INSERT INTO: the rows of a SELECT become a chunk of the table. */
export async function insertInto(
  context: QueryContext,
  statement: Statement & { kind: 'insert' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'import')
  const table = await existingTable(context, name)
  if (table === undefined) throw await tableNotFound(context, name)
  const done = await appliedRows(context, table)
  if (done !== undefined) return written('insert', done)
  const planned = await planSelect(context, statement.select)
  const isValues = tokenize(statement.select.text)[0]?.value.toLowerCase() === 'values'
  const pairings = pairInsert(table, planned.plan.columns, { listed: statement.columns, isValues })
  const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] }
  return await writeRows(context, planned, {
    statement: 'insert',
    operation: 'insert',
    tableId: table.id,
    target,
    assigned: assignments(pairings, context.moment.scheduledSeconds),
  })
}

/** CREATE TABLE … AS: the table comes into being together with its rows. */
export async function createTableAs(
  context: QueryContext,
  statement: Statement & { kind: 'create_table_as' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'full')
  const database = await context.ports.store.database(context.accountId, name.database)
  const existing = await existingTable(context, name)
  if (existing !== undefined) return await alreadyThere(context, statement, existing)
  const planned = await planSelect(context, statement.select)
  const { columns, pairings } = pairCreate(planned.plan.columns)
  return await writeRows(context, planned, {
    statement: 'create_table_as',
    operation: 'create',
    tableId: 0,
    target: { create: { databaseId: database.id, name: name.name, columns } },
    assigned: assignments(pairings, context.moment.scheduledSeconds),
  })
}

/** The table may be what an earlier attempt at this very job made. */
async function alreadyThere(
  context: QueryContext,
  { ifNotExists }: Statement & { kind: 'create_table_as' },
  table: Table,
): Promise<QueryOutput> {
  const done = await appliedRows(context, table)
  if (done !== undefined || ifNotExists) return written('create_table_as', done ?? 0)
  throw new AppError('already_exists', `The table "${table.database}.${table.name}" exists already.`, {
    hint: 'Choose another name, drop the table first, or add the rows with INSERT INTO.',
  })
}

/** DROP TABLE. A job that is tried again may find that it has dropped the table already. */
export async function dropTable(
  context: QueryContext,
  statement: Statement & { kind: 'drop_table' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'full')
  try {
    await context.ports.store.dropTable(context.accountId, name.database, name.name)
  } catch (error) {
    if (!isAppError(error, 'table_not_found')) throw error
    if (!statement.ifExists && context.attempt.job.attempt <= 1) throw await tableNotFound(context, name)
  }
  return written('drop_table', 0)
}

interface Write {
  readonly statement: 'insert' | 'create_table_as'
  readonly operation: Commit['operation']
  /** 0 for a table that is yet to be made. */
  readonly tableId: number
  readonly target: Commit['target']
  readonly assigned: readonly Assignment[]
}

/** Runs the SELECT into the file of a new chunk, and commits it under the job's id: however often it is tried, once. */
async function writeRows(context: QueryContext, planned: PlannedSelect, write: Write): Promise<QueryOutput> {
  const columns = fileColumns(write.assigned)
  const file = await runSelect(context, planned, {
    projection: write.assigned.map(({ expression }, index) => ({ expression, name: columns[index]?.name ?? '' })),
    fieldIds: fieldIdsClause(columns),
  })
  context.progress({ stage: 'storing', percent: null, bytesToScan: null })
  const { accountId, attempt, ports } = context
  const chunks = []
  if (file.rows > 0) {
    const chunk = writtenChunk(ports.store.newChunk({ accountId, tableId: write.tableId }), file, columns)
    await ports.objects.putFile(chunk.objectKey, file.path)
    chunks.push(chunk)
  }
  const outcome = await ports.store.commit({
    accountId,
    target: write.target,
    operation: write.operation,
    cause: uniqueIdOf(context),
    chunks,
    ids: [{ uniqueId: uniqueIdOf(context), rows: file.rows, quarantined: 0 }],
    quarantined: [],
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  })
  const statistics = statisticsOf(planned, file.runMs)
  switch (outcome.kind) {
    case 'committed':
      return { ...written(write.statement, file.rows), statistics }
    case 'duplicate':
      return { ...written(write.statement, outcome.known[0]?.rows ?? 0), statistics }
    case 'table_dropped':
      throw new AppError('table_not_found', 'The table was dropped while the query ran; nothing was written.')
    case 'schema_changed':
    case 'conflict':
      throw new AppError('conflict', 'The columns of the table changed while the query ran.', {
        hint: 'The job is tried again by itself.',
      })
  }
}

/** DuckDB cannot write `Code` beside `code`; readers go by the field ids, whatever the names in a file. */
function fileColumns(assigned: readonly Assignment[]): Column[] {
  const named = queryColumns(assigned.map(({ column }) => column))
  return named.map(({ column, queryName }) => ({ ...column, name: queryName }))
}

function uniqueIdOf({ attempt }: QueryContext): string {
  return `job:${attempt.job.id}`
}

/** The rows that this job wrote into the table in an earlier attempt; undefined where it did not. */
async function appliedRows(context: QueryContext, table: Table): Promise<number | undefined> {
  const [applied] = await context.ports.store.appliedIds(context.accountId, table.id, [uniqueIdOf(context)])
  return applied?.rows
}

async function existingTable(context: QueryContext, name: ResolvedName): Promise<Table | undefined> {
  try {
    return await context.ports.store.table(context.accountId, name.database, name.name)
  } catch (error) {
    if (isAppError(error, 'table_not_found')) return undefined
    throw isAppError(error, 'database_not_found') ? await tableNotFound(context, name) : error
  }
}

function written(statement: QueryOutput['statement'], rows: number): QueryOutput {
  return { statement, columns: [], rows, resultKey: null, resultBytes: 0, statistics: noStatistics }
}
