import { timeColumn } from '../../store/columns.ts'
import { formatType } from '../../store/types.ts'
import { requirePrivilege, resolveName } from '../planning/resolve-tables.ts'
import type { ColumnDefinition, TableStatement } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { written } from './job-write.ts'

/** CREATE TABLE with columns. A job that is tried again may find that it has made the table already. */
export async function createTable(
  context: QueryContext,
  { table, columns, ifNotExists }: TableStatement & { kind: 'create_table' },
): Promise<QueryOutput> {
  const name = resolveName(context, table)
  await requirePrivilege(context, [name], 'full')
  const { store } = context.ports
  const own = columns.filter((column) => !isTime(column))
  const again = context.attempt.job.attempt > 1
  await store.createTable(context.accountId, name.database, name.name, {
    columns: own,
    ifNotExists: ifNotExists || again,
  })
  return written('create_table', 0)
}

/** Every table has it by itself, but who names it is right to. */
function isTime({ name, type }: ColumnDefinition): boolean {
  return name.toLowerCase() === timeColumn.name && formatType(type) === formatType(timeColumn.type)
}
