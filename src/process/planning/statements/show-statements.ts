import type { Statement } from '../statement.ts'
import type { StatementReader } from './statement-reader.ts'

export function describe(reader: StatementReader): Statement {
  reader.take('table')
  const table = reader.table()
  reader.end()
  return { kind: 'describe', table }
}

export function show(reader: StatementReader): Statement {
  if (reader.take('databases') || reader.take('schemas')) {
    const like = reader.like()
    reader.end()
    return { kind: 'show_databases', like }
  }
  if (reader.take('tables')) {
    const database = reader.take('from') || reader.take('in') ? reader.name() : null
    const like = reader.like()
    reader.end()
    return { kind: 'show_tables', database, like }
  }
  if (reader.take('columns')) {
    if (!reader.take('in')) reader.expect('from')
    return describe(reader)
  }
  throw reader.notAllowed('SHOW takes DATABASES, TABLES [FROM database] [LIKE pattern] or COLUMNS FROM table.')
}
