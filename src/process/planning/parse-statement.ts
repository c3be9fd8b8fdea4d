import { AppError } from '../../base/errors.ts'
import type { Statement } from './statement.ts'
import { alterTable } from './statements/alter-table.ts'
import { deleteFrom, insert, mergeInto, truncate } from './statements/row-statements.ts'
import { describe, show } from './statements/show-statements.ts'
import { StatementReader } from './statements/statement-reader.ts'
import { create, drop, undrop } from './statements/table-statements.ts'
import { presentText } from './statements/time-travel.ts'
import type { Token } from './tokens.ts'
import { tokenize } from './tokens.ts'

const statements: ReadonlyMap<string, (reader: StatementReader) => Statement> = new Map([
  ['explain', explain],
  ['insert', insert],
  ['merge', mergeInto],
  ['delete', deleteFrom],
  ['truncate', truncate],
  ['create', create],
  ['alter', alterTable],
  ['drop', drop],
  ['undrop', undrop],
  ['describe', describe],
  ['desc', describe],
  ['show', show],
])

/**
 * Tells what kind of statement the SQL is. Fails with `query_syntax` where one of our own statements is malformed, and with
 * `statement_not_allowed` for every other kind.
 */
export function parseStatement(sql: string): Statement {
  const reader = openReader(sql)
  if (reader.atEnd) {
    throw new AppError('query_syntax', 'The SQL is empty.', { hint: 'Begin with SELECT, or SHOW TABLES.' })
  }
  if (reader.beginsSelect()) return { kind: 'select', select: reader.rest() }
  for (const [word, parse] of statements) if (reader.take(word)) return parse(reader)
  throw reader.notAllowed()
}

/** Tables as they were are called by their stand-ins from here on. */
function openReader(sql: string): StatementReader {
  const tokens = tokenize(sql)
  const { text, standIns } = presentText(sql, tokens)
  return new StatementReader(text, withoutTrailingSemicolons(standIns.length === 0 ? tokens : tokenize(text)), standIns)
}

function withoutTrailingSemicolons(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.findLastIndex((token) => token.kind !== 'mark' || token.value !== ';')
  return tokens.slice(0, last + 1)
}

function explain(reader: StatementReader): Statement {
  if (reader.beginsSelect() && reader.peek() !== '(') return { kind: 'explain', select: reader.rest() }
  throw reader.notAllowed('EXPLAIN takes a SELECT, without options: EXPLAIN SELECT …')
}
