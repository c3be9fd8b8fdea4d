import { AppError } from '../../base/errors.ts'
import { placeAt } from './places.ts'
import type { Token } from './tokens.ts'
import { tokenize } from './tokens.ts'

/** A table as it is written: without a database where the query's own is meant. */
export interface TableReference {
  readonly database: string | null
  readonly name: string
  /** Characters from the beginning of the whole SQL. */
  readonly offset: number
}

/** The part of the SQL that DuckDB gets to see, and where it begins. */
export interface SelectText {
  readonly text: string
  readonly offset: number
}

/** What a query can be. Whether the text of a SELECT is one is found out by DuckDB's parser. */
export type Statement =
  | { readonly kind: 'select'; readonly select: SelectText }
  | { readonly kind: 'explain'; readonly select: SelectText }
  | {
      readonly kind: 'insert'
      readonly table: TableReference
      readonly columns: readonly string[] | null
      readonly select: SelectText
    }
  | {
      readonly kind: 'create_table_as'
      readonly table: TableReference
      readonly ifNotExists: boolean
      readonly select: SelectText
    }
  | { readonly kind: 'drop_table'; readonly table: TableReference; readonly ifExists: boolean }
  | { readonly kind: 'describe'; readonly table: TableReference }
  | { readonly kind: 'show_databases'; readonly like: string | null }
  | { readonly kind: 'show_tables'; readonly database: string | null; readonly like: string | null }

/** The words that can begin what DuckDB takes for a SELECT. */
const selectWords: ReadonlySet<string> = new Set(['select', 'with', 'from', 'values', 'table', '(', 'summarize'])

/**
 * Tells what kind of statement the SQL is. Fails with `query_syntax` where one of our own statements is malformed, and with
 * `statement_not_allowed` for every other kind.
 */
export function parseStatement(sql: string): Statement {
  const tokens = withoutTrailingSemicolons(tokenize(sql))
  const reader = new StatementReader(sql, tokens)
  if (tokens.length === 0) {
    throw new AppError('query_syntax', 'The SQL is empty.', { hint: 'Begin with SELECT, or SHOW TABLES.' })
  }
  if (selectWords.has(reader.peek())) return { kind: 'select', select: reader.rest() }
  if (reader.take('explain')) return explain(reader)
  if (reader.take('insert')) return insert(reader)
  if (reader.take('create')) return create(reader)
  if (reader.take('drop')) return drop(reader)
  if (reader.take('describe') || reader.take('desc')) return describe(reader)
  if (reader.take('show')) return show(reader)
  throw reader.notAllowed()
}

function withoutTrailingSemicolons(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.findLastIndex((token) => token.kind !== 'mark' || token.value !== ';')
  return tokens.slice(0, last + 1)
}

function explain(reader: StatementReader): Statement {
  if (selectWords.has(reader.peek()) && reader.peek() !== '(') return { kind: 'explain', select: reader.rest() }
  throw reader.notAllowed('EXPLAIN takes a SELECT, without options: EXPLAIN SELECT …')
}

function insert(reader: StatementReader): Statement {
  reader.expect('into')
  const table = reader.table()
  const columns = reader.peek() === '(' && !selectWords.has(reader.peek(1)) ? reader.names() : null
  return { kind: 'insert', table, columns, select: reader.rest() }
}

function create(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be made: CREATE TABLE name AS SELECT …')
  const ifNotExists = reader.take('if')
  if (ifNotExists) {
    reader.expect('not')
    reader.expect('exists')
  }
  const table = reader.table()
  if (reader.take('as')) return { kind: 'create_table_as', table, ifNotExists, select: reader.rest() }
  throw reader.notAllowed('Tables are made by CREATE TABLE name AS SELECT …, or by the first import into them.')
}

function drop(reader: StatementReader): Statement {
  if (!reader.take('table')) throw reader.notAllowed('Only tables can be dropped: DROP TABLE name')
  const ifExists = reader.take('if')
  if (ifExists) reader.expect('exists')
  const table = reader.table()
  reader.end()
  return { kind: 'drop_table', table, ifExists }
}

function describe(reader: StatementReader): Statement {
  reader.take('table')
  const table = reader.table()
  reader.end()
  return { kind: 'describe', table }
}

function show(reader: StatementReader): Statement {
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

/** Reads a statement word by word. */
class StatementReader {
  readonly #sql: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(sql: string, tokens: readonly Token[]) {
    this.#sql = sql
    this.#tokens = tokens
  }

  /** The keyword or mark that comes, in lower case; empty at the end and before names in quotes. */
  peek(ahead = 0): string {
    const token = this.#tokens[this.#at + ahead]
    return token === undefined || token.kind === 'quoted' || token.kind === 'text' ? '' : token.value.toLowerCase()
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false
    this.#at += 1
    return true
  }

  expect(word: string): void {
    if (!this.take(word)) throw this.#unexpected(word.toUpperCase())
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected('the end of the statement')
  }

  /** A name; SQL does not tell upper case from lower case, and our names are in lower case. */
  name(): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.#unexpected('a name')
    this.#at += 1
    return token.value
  }

  table(): TableReference {
    const offset = this.#offset()
    const first = this.name()
    if (!this.take('.')) return { database: null, name: first, offset }
    return { database: first, name: this.name(), offset }
  }

  names(): string[] {
    this.expect('(')
    const names = [this.name()]
    while (this.take(',')) names.push(this.name())
    this.expect(')')
    return names
  }

  like(): string | null {
    if (!this.take('like')) return null
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'text' || !token.value.startsWith("'")) throw this.#unexpected("a pattern such as 'web%'")
    this.#at += 1
    return token.value.slice(1, -1).replaceAll("''", "'")
  }

  /** All that is left, without comments and semicolons at its ends. */
  rest(): SelectText {
    const offset = this.#offset()
    if (offset === this.#sql.length) throw this.#unexpected('SELECT')
    return { text: this.#sql.slice(offset, this.#tokens.at(-1)?.end), offset }
  }

  notAllowed(hint?: string): AppError {
    const words = this.#tokens.slice(0, Math.max(1, this.#at)).map((token) => token.value.toUpperCase())
    return new AppError('statement_not_allowed', `${words.join(' ').slice(0, 100)} is not a statement for queries.`, {
      hint:
        hint ??
        'Queries are SELECT, INSERT INTO … SELECT, CREATE TABLE … AS SELECT, DROP TABLE, DESCRIBE, SHOW and EXPLAIN.',
      position: placeAt(this.#sql, this.#tokens[0]?.start ?? 0),
    })
  }

  #offset(): number {
    return this.#tokens[this.#at]?.start ?? this.#sql.length
  }

  #unexpected(wanted: string): AppError {
    const token = this.#tokens[this.#at]
    const found = token === undefined ? 'the end' : JSON.stringify(token.value.slice(0, 60))
    return new AppError('query_syntax', `The statement has ${found} where it needs ${wanted}.`, {
      hint: 'docs/sql.md shows the form of each statement.',
      position: placeAt(this.#sql, this.#offset()),
    })
  }
}
