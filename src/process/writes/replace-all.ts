import { must } from '../../base/errors.ts'
import type { Table } from '../../store/store.ts'
import { noStatistics, planSelect, statisticsOf } from '../plan-select.ts'
import type { RowStatement, TableReference } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { columnsChanged, pairAnswer } from './add-rows.ts'
import { assignments } from '../../store/assignment.ts'
import { appliedRows, requireTarget, written } from './job-write.ts'
import type { Replacement } from './replace-chunks.ts'
import { replaceChunks } from './replace-chunks.ts'
import { uploadRows } from './upload-rows.ts'

/** TRUNCATE, and DELETE without a condition: the chunks go, and none of them is read. */
export async function removeAllRows(
  context: QueryContext,
  reference: TableReference,
  statement: 'truncate' | 'delete',
): Promise<QueryOutput> {
  const table = await requireTarget(context, reference, 'full')
  const done = await appliedRows(context, table)
  if (done !== undefined) return written(statement, done)
  return await replaceChunks(context, {
    statement,
    operation: statement,
    mindsNewRows: false,
    plan: async () => {
      const { snapshot, removed } = await everyChunk(context, table)
      const rows = removed.reduce((sum, chunk) => sum + chunk.rows, 0)
      return { snapshot, removed, added: [], rows, statistics: noStatistics }
    },
  })
}

/** INSERT OVERWRITE: the rows of the SELECT, which may read the table itself, take the place of all that are there. */
export async function insertOverwrite(
  context: QueryContext,
  statement: RowStatement & { kind: 'insert' },
): Promise<QueryOutput> {
  const table = await requireTarget(context, statement.table, 'full')
  const done = await appliedRows(context, table)
  if (done !== undefined) return written('insert', done)
  const planned = await planSelect(context, statement.select)
  const assigned = assignments(pairAnswer(table, planned, statement), context.moment.scheduledSeconds)
  const uploaded = await uploadRows(context, planned, assigned, table.id)
  return await replaceChunks(context, {
    statement: 'insert',
    operation: 'replace',
    mindsNewRows: false,
    plan: async () => {
      const { snapshot, removed } = await everyChunk(context, table)
      if (snapshot.table.schemaVersion !== table.schemaVersion) throw columnsChanged()
      const statistics = statisticsOf(planned, uploaded.runMs)
      return { snapshot, removed, added: uploaded.chunks, rows: uploaded.rows, statistics }
    },
  })
}

/** All chunks of the newest snapshot. */
async function everyChunk(
  { ports: { store } }: QueryContext,
  table: Table,
): Promise<Pick<Replacement, 'snapshot' | 'removed'>> {
  const [newest] = await store.openSnapshot(table.accountId, [table])
  const snapshot = must(newest, 'the table was opened')
  const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  // Another table may have the name by now.
  if (snapshot.table.id !== table.id) throw columnsChanged()
  return { snapshot, removed: await store.findChunks(snapshot, [always]) }
}
