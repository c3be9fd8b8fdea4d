import { AppError } from '../../../base/errors.ts'
import type { ErrorPosition } from '../../../base/errors.ts'
import { placeAt } from '../places.ts'
import type { StandInTable, PropertyValue, SelectText, TableReference } from '../statement.ts'
import { standInDatabase } from '../statement.ts'
import type { Token } from '../tokens.ts'

/** The words that can begin what DuckDB takes for a SELECT. */
const selectWords: ReadonlySet<string> = new Set(['select', 'with', 'from', 'values', 'table', '(', 'summarize'])

/** Reads a statement word by word. */
export class StatementReader {
  readonly #sql: string
  readonly #tokens: readonly Token[]
  readonly #standIns: readonly StandInTable[]
  #at = 0

  constructor(sql: string, tokens: readonly Token[], standIns: readonly StandInTable[]) {
    this.#sql = sql
    this.#tokens = tokens
    this.#standIns = standIns
  }

  /** The keyword or mark that comes, in lower case; empty at the end and before names in quotes. */
  peek(ahead = 0): string {
    const token = this.#tokens[this.#at + ahead]
    return token === undefined || token.kind === 'quoted' || token.kind === 'text' ? '' : token.value.toLowerCase()
  }

  /** Whether what comes can be a SELECT. */
  beginsSelect(ahead = 0): boolean {
    return selectWords.has(this.peek(ahead))
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false
    this.#at += 1
    return true
  }

  /** Takes the words if all of them come, and none otherwise. */
  takeAll(...words: readonly string[]): boolean {
    if (!words.every((word, ahead) => this.peek(ahead) === word)) return false
    this.#at += words.length
    return true
  }

  expect(word: string): void {
    if (!this.take(word)) throw this.unexpected(word.toUpperCase())
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.unexpected('the end of the statement')
  }

  /** A name; SQL does not tell upper case from lower case, and our names are in lower case. */
  name(): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.unexpected('a name')
    this.#at += 1
    return token.value
  }

  /** A table of the present: what a statement changes or makes. */
  table(): TableReference {
    const offset = this.#offset()
    const first = this.name()
    if (!this.take('.')) return { database: null, name: first, offset }
    if (first === standInDatabase) throw this.#onlyRead(offset)
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
    const pattern = this.literal()
    if (typeof pattern === 'string') return pattern
    this.#at -= 1
    throw this.unexpected("a pattern such as 'web%'")
  }

  /** A word with all that is in the parentheses behind it, as written: `map(varchar, bigint)`. */
  notation(wanted: string): { text: string; place: ErrorPosition } {
    const offset = this.#offset()
    if (this.#tokens[this.#at]?.kind !== 'word') throw this.unexpected(wanted)
    this.#at += 1
    if (this.peek() === '(') this.#skipParentheses()
    return { text: this.#sql.slice(offset, this.#tokens[this.#at - 1]?.end), place: placeAt(this.#sql, offset) }
  }

  #skipParentheses(): void {
    let depth = 0
    do {
      depth += Number(this.peek() === '(') - Number(this.peek() === ')')
      this.#at += 1
    } while (depth > 0 && !this.atEnd)
  }

  /** All that is left, without comments and semicolons at its ends. */
  rest(wanted = 'SELECT'): SelectText {
    const offset = this.#offset()
    if (this.atEnd) throw this.unexpected(wanted)
    return { text: this.#sql.slice(offset, this.#tokens.at(-1)?.end), offset, standIns: this.#standIns }
  }

  /** A literal: a text, a number, or NULL and DEFAULT, which are null. */
  literal(): PropertyValue {
    const token = this.#tokens[this.#at]
    const value = token === undefined ? undefined : literalOf(token)
    if (value === undefined) throw this.unexpected("a number, or a text such as 'a'")
    this.#at += 1
    return value
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length
  }

  notAllowed(hint?: string): AppError {
    const words = this.#tokens.slice(0, Math.max(1, this.#at)).map((token) => token.value.toUpperCase())
    return new AppError('statement_not_allowed', `${words.join(' ').slice(0, 100)} is not a statement for queries.`, {
      hint:
        hint ??
        'Queries are SELECT, INSERT, MERGE INTO, DELETE FROM, TRUNCATE, CREATE TABLE … AS SELECT, ALTER, DROP and UNDROP TABLE, DESCRIBE, SHOW and EXPLAIN.',
      position: placeAt(this.#sql, this.#tokens[0]?.start ?? 0),
    })
  }

  #onlyRead(offset: number): AppError {
    return new AppError('statement_not_allowed', 'A table as it was can be read, and not changed.', {
      hint: 'Leave FOR … AS OF out, or read from it: CREATE TABLE name AS SELECT * FROM t FOR VERSION AS OF 12.',
      position: placeAt(this.#sql, offset),
    })
  }

  #offset(): number {
    return this.#tokens[this.#at]?.start ?? this.#sql.length
  }

  unexpected(wanted: string): AppError {
    const token = this.#tokens[this.#at]
    const found = token === undefined ? 'the end' : JSON.stringify(token.value.slice(0, 60))
    return new AppError('query_syntax', `The statement has ${found} where it needs ${wanted}.`, {
      hint: 'docs/sql.md shows the form of each statement.',
      position: placeAt(this.#sql, this.#offset()),
    })
  }
}

function literalOf({ kind, value }: Token): PropertyValue | undefined {
  if (kind === 'text' && value.startsWith("'")) return value.slice(1, -1).replaceAll("''", "'")
  if (kind === 'number' && Number.isFinite(Number(value))) return Number(value)
  return kind === 'word' && ['null', 'default'].includes(value.toLowerCase()) ? null : undefined
}
