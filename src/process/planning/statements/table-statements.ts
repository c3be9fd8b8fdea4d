import type { Statement } from '../statement.ts'
import { columnDefinitions } from './column-statements.ts'
import type { StatementReader } from './statement-reader.ts'

export function create(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be made: CREATE TABLE name AS SELECT …')
  const ifNotExists = reader.take('if')
  if (ifNotExists) {
    reader.expect('not')
    reader.expect('exists')
  }
  const table = reader.table()
  if (reader.take('as')) return { kind: 'create_table_as', table, ifNotExists, select: reader.rest() }
  if (reader.peek() === '(') {
    const columns = columnDefinitions(reader)
    reader.end()
    return { kind: 'create_table', table, ifNotExists, columns }
  }
  throw reader.notAllowed(
    'Tables are made by CREATE TABLE name (column type, …) or … AS SELECT …, or by the first import into them.',
  )
}

export function drop(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be dropped: DROP TABLE name')
  const ifExists = reader.take('if')
  if (ifExists) reader.expect('exists')
  const table = reader.table()
  reader.end()
  return { kind: 'drop_table', table, ifExists }
}

export function undrop(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be brought back: UNDROP TABLE name')
  const table = reader.table()
  reader.end()
  return { kind: 'undrop_table', table }
}
