import { AppError } from '../../base/errors.ts'
import { placeAt } from './places.ts'
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

/** More than anybody writes by hand; each of them is planned, run and kept until the end. */
const statementsMax = 100

/**
 * Tells what the statements of the SQL are: one at least, with semicolons between them. Fails with `query_syntax` where one of our
 * own is malformed, and with `statement_not_allowed` for every other kind.
 */
export function parseScript(sql: string): Statement[] {
  const readers = openReaders(sql)
  if (readers.length === 0) {
    throw new AppError('query_syntax', 'The SQL is empty.', { hint: 'Begin with SELECT, or SHOW TABLES.' })
  }
  if (readers.length > statementsMax) {
    throw new AppError(
      'statement_not_allowed',
      `There are ${readers.length} statements, and ${statementsMax} are allowed.`,
      {
        hint: 'Submit them as several queries, one after the other.',
      },
    )
  }
  return readers.map(readStatement)
}

function readStatement(reader: StatementReader): Statement {
  if (reader.beginsSelect()) return { kind: 'select', select: reader.rest() }
  for (const [word, parse] of statements) if (reader.take(word)) return parse(reader)
  throw reader.notAllowed()
}

/** One for each statement, over the whole text, so that places in it stay what they are. Tables as they were have stand-ins. */
function openReaders(sql: string): StatementReader[] {
  const quoted = withoutBackticks(sql, tokenize(sql))
  const { text, standIns } = presentText(quoted, tokenize(quoted))
  return betweenSemicolons(tokenize(text)).map((tokens) => new StatementReader(text, tokens, standIns))
}

function betweenSemicolons(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'mark' && token.value === ';') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts.filter((part) => part.length > 0)
}

/** Names in backticks, as Hive has them, in the quotes of SQL: of the same length, so that every place in the text stays. */
function withoutBackticks(sql: string, tokens: readonly Token[]): string {
  const pieces: string[] = []
  let copied = 0
  for (const { kind, value, start, end } of tokens) {
    if (kind !== 'quoted' || sql[start] !== '`') continue
    if (value === '' || value.includes('"') || sql[end - 1] !== '`') throw unquotable(sql, start)
    pieces.push(sql.slice(copied, start), `"${value}"`.padEnd(end - start))
    copied = end
  }
  return pieces.join('') + sql.slice(copied)
}

function unquotable(sql: string, start: number): AppError {
  return new AppError('query_syntax', 'A name in backticks is empty, has no end, or has a double quote in it.', {
    hint: 'Write the name in double quotes, and double those that are in it.',
    position: placeAt(sql, start),
  })
}

function explain(reader: StatementReader): Statement {
  if (reader.beginsSelect() && reader.peek() !== '(') return { kind: 'explain', select: reader.rest() }
  throw reader.notAllowed('EXPLAIN takes a SELECT, without options: EXPLAIN SELECT …')
}
