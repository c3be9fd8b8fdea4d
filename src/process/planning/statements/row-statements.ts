import type { Condition, Statement } from '../statement.ts'
import type { StatementReader } from './statement-reader.ts'

/** INSERT INTO t …, and INSERT OVERWRITE [INTO] [TABLE] t …, which takes the place of what is there. */
export function insert(reader: StatementReader): Statement {
  const overwrite = reader.take('overwrite')
  if (overwrite) {
    reader.take('into')
    reader.take('table')
  } else reader.expect('into')
  const table = reader.table()
  return { kind: 'insert', table, columns: listedColumns(reader), overwrite, select: reader.rest() }
}

/** A list of columns, where there is one and not a SELECT in parentheses. */
function listedColumns(reader: StatementReader): string[] | null {
  return reader.peek() === '(' && !reader.beginsSelect(1) ? reader.names() : null
}

/** MERGE INTO t [(a, b)] KEY (a) SELECT …: rows take the place of those with their key, or are added. */
export function mergeInto(reader: StatementReader): Statement {
  reader.expect('into')
  const table = reader.table()
  const columns = listedColumns(reader)
  reader.expect('key')
  return { kind: 'merge', table, columns, keys: reader.names(), select: reader.rest() }
}

/** DELETE FROM t [[AS] alias] [WHERE condition]. */
export function deleteFrom(reader: StatementReader): Statement {
  reader.expect('from')
  const table = reader.table()
  const hasAlias = reader.take('as') || (!reader.atEnd && reader.peek() !== 'where')
  const alias = hasAlias ? reader.name() : table.name
  if (reader.atEnd) return { kind: 'delete', table, where: null }
  reader.expect('where')
  const where: Condition = { ...reader.rest('a condition'), alias }
  return { kind: 'delete', table, where }
}

export function truncate(reader: StatementReader): Statement {
  reader.take('table')
  const table = reader.table()
  reader.end()
  return { kind: 'truncate', table }
}
