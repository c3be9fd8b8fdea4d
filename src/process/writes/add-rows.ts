import { AppError } from '../../base/errors.ts'
import type { Commit, Table } from '../../store/store.ts'
import type { PlannedSelect } from '../plan-select.ts'
import { planSelect, statisticsOf } from '../plan-select.ts'
import { requirePrivilege, resolveName } from '../planning/resolve-tables.ts'
import type { RowStatement, SelectText, TableStatement } from '../planning/statement.ts'
import { tokenize } from '../planning/tokens.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import type { Assignment } from '../../store/assignment.ts'
import { assignments } from '../../store/assignment.ts'
import { appliedRows, commitOfJob, existingTable, requireTarget, written } from './job-write.ts'
import { pairCreate, pairInsert } from './target-columns.ts'
import type { Pairing } from '../../store/assignment.ts'
import { uploadRows } from './upload-rows.ts'

/** INSERT INTO: the rows of a SELECT become a chunk of the table. */
export async function insertInto(
  context: QueryContext,
  statement: RowStatement & { kind: 'insert' },
): Promise<QueryOutput> {
  const table = await requireTarget(context, statement.table, 'import')
  const done = await appliedRows(context, table)
  if (done !== undefined) return written('insert', done)
  const planned = await planSelect(context, statement.select)
  const pairings = pairAnswer(table, planned, statement)
  return await addRows(context, planned, {
    statement: 'insert',
    operation: 'insert',
    tableId: table.id,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    assigned: assignments(pairings, context.moment.scheduledSeconds),
  })
}

/** Which column of the statement's SELECT goes into which of the table. */
export function pairAnswer(
  table: Table,
  { plan }: PlannedSelect,
  { columns, select }: { readonly columns: readonly string[] | null; readonly select: SelectText },
): Pairing[] {
  const isValues = tokenize(select.text)[0]?.value.toLowerCase() === 'values'
  return pairInsert(table, plan.columns, { listed: columns, isValues })
}

/** CREATE TABLE … AS: the table comes into being together with its rows. */
export async function createTableAs(
  context: QueryContext,
  statement: TableStatement & { kind: 'create_table_as' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'full')
  const database = await context.ports.store.database(context.accountId, name.database)
  const existing = await existingTable(context, name)
  if (existing !== undefined) return await alreadyThere(context, statement, existing)
  const planned = await planSelect(context, statement.select)
  const { columns, pairings } = pairCreate(planned.plan.columns)
  return await addRows(context, planned, {
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
  { ifNotExists }: TableStatement & { kind: 'create_table_as' },
  table: Table,
): Promise<QueryOutput> {
  const done = await appliedRows(context, table)
  if (done !== undefined || ifNotExists) return written('create_table_as', done ?? 0)
  throw new AppError('already_exists', `The table "${table.database}.${table.name}" exists already.`, {
    hint: 'Choose another name, drop the table first, or add the rows with INSERT INTO.',
  })
}

interface Addition {
  readonly statement: 'insert' | 'create_table_as'
  readonly operation: Commit['operation']
  /** 0 for a table that is yet to be made. */
  readonly tableId: number
  readonly target: Commit['target']
  readonly assigned: readonly Assignment[]
}

/** Runs the SELECT into the file of a new chunk, and commits it under the job's id: however often it is tried, once. */
async function addRows(context: QueryContext, planned: PlannedSelect, addition: Addition): Promise<QueryOutput> {
  const { chunks, rows, runMs } = await uploadRows(context, planned, addition.assigned, addition.tableId)
  context.progress({ stage: 'storing', percent: null, bytesToScan: null })
  const outcome = await context.ports.store.commit({
    ...commitOfJob(context, rows),
    target: addition.target,
    operation: addition.operation,
    chunks,
  })
  const statistics = statisticsOf(planned, runMs)
  switch (outcome.kind) {
    case 'committed':
      return written(addition.statement, rows, statistics)
    case 'duplicate':
      return written(addition.statement, outcome.known[0]?.rows ?? 0, statistics)
    case 'table_dropped':
      throw new AppError('table_not_found', 'The table was dropped while the query ran; nothing was written.')
    case 'conflict':
    case 'schema_changed':
      throw columnsChanged()
  }
}

export function columnsChanged(): AppError {
  return new AppError('conflict', 'The columns of the table changed while the query ran.', {
    hint: 'The job is tried again by itself.',
  })
}
