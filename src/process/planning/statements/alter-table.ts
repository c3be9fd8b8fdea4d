import type { PropertyValue, Statement, TableReference } from '../statement.ts'
import { alterColumns } from './column-statements.ts'
import type { StatementReader } from './statement-reader.ts'

/** ALTER TABLE: what it does is told by the words behind the name of the table. */
export function alterTable(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be altered: ALTER TABLE name …')
  const table = reader.table()
  const statement = alteration(reader, table)
  reader.end()
  return statement
}

function alteration(reader: StatementReader, table: TableReference): Statement {
  if (reader.takeAll('rename', 'to')) return { kind: 'rename_table', table, to: reader.table() }
  if (reader.takeAll('swap', 'with')) return { kind: 'swap_tables', table, other: reader.table() }
  if (reader.takeAll('set', 'properties')) return { kind: 'set_properties', table, properties: properties(reader) }
  if (reader.takeAll('purge', 'history')) return { kind: 'purge_history', table }
  const statement = alterColumns(reader, table)
  if (statement !== undefined) return statement
  throw reader.notAllowed(
    'ALTER TABLE name takes ADD COLUMN, DROP COLUMN, RENAME COLUMN, ALTER COLUMN … TYPE, RENAME TO name, SWAP WITH name, SET PROPERTIES (name = value, …) or PURGE HISTORY.',
  )
}

function properties(reader: StatementReader): ReadonlyMap<string, PropertyValue> {
  const values = new Map<string, PropertyValue>()
  reader.expect('(')
  do {
    const name = reader.name().toLowerCase()
    reader.expect('=')
    values.set(name, reader.literal())
  } while (reader.take(','))
  reader.expect(')')
  return values
}
