import { AppError } from '../../../base/errors.ts'
import type { LogicalType } from '../../../store/types.ts'
import { parseType } from '../../../store/types.ts'
import type { ColumnDefinition, Statement, TableReference } from '../statement.ts'
import type { StatementReader } from './statement-reader.ts'

/** The parts of ALTER TABLE that are about columns; undefined where something else comes. */
export function alterColumns(reader: StatementReader, table: TableReference): Statement | undefined {
  if (reader.take('add')) {
    reader.take('column')
    const ifNotExists = reader.takeAll('if', 'not', 'exists')
    return { kind: 'alter_columns', table, change: { kind: 'add_column', ...definition(reader), ifNotExists } }
  }
  if (reader.takeAll('drop', 'column')) {
    const ifExists = reader.takeAll('if', 'exists')
    return { kind: 'alter_columns', table, change: { kind: 'drop_column', name: reader.name(), ifExists } }
  }
  if (reader.takeAll('rename', 'column')) {
    const name = reader.name()
    reader.expect('to')
    return { kind: 'alter_columns', table, change: { kind: 'rename_column', name, to: reader.name() } }
  }
  if (reader.take('alter')) {
    reader.take('column')
    const name = reader.name()
    if (!reader.takeAll('set', 'data', 'type')) reader.expect('type')
    return { kind: 'alter_columns', table, change: { kind: 'change_type', name, type: columnType(reader) } }
  }
  return undefined
}

/** The list of CREATE TABLE: `(a bigint, b varchar)`. */
export function columnDefinitions(reader: StatementReader): ColumnDefinition[] {
  reader.expect('(')
  const columns = [definition(reader)]
  while (reader.take(',')) columns.push(definition(reader))
  reader.expect(')')
  return columns
}

function definition(reader: StatementReader): ColumnDefinition {
  return { name: reader.name(), type: columnType(reader) }
}

/** Other words for the same types, as people write them in SQL. */
const words: Readonly<Record<string, string>> = { int: 'bigint', integer: 'bigint', text: 'varchar', bool: 'boolean' }

function columnType(reader: StatementReader): LogicalType {
  const { text, place } = reader.notation('a type such as bigint or decimal(10,2)')
  try {
    return parseType(Object.hasOwn(words, text.toLowerCase()) ? (words[text.toLowerCase()] ?? text) : text)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw AppError.fromRecord({ ...error.toRecord(), code: 'query_syntax', position: place })
  }
}
