import { AppError } from '../../base/errors.ts'
import { placeAt } from './places.ts'

/**
 * SQL cut into words and marks, just fine enough to tell statements apart and to find where the SELECT inside of an
 * INSERT begins. Whether something is allowed is never decided on tokens, only on what DuckDB's own parser makes of it.
 */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'mark'
  /** As written; of a quoted name, the name. */
  readonly value: string
  /** Characters from the beginning of the SQL; `end` is behind the token. */
  readonly start: number
  readonly end: number
}

/** Deeper nesting than anybody writes; the limit spares the parsers behind it. */
const nestingMax = 500

const blank = /(?:\s+|--[^\n]*)+/y
const patterns = {
  word: /[\p{L}_][\p{L}\p{N}_$]*/uy,
  quoted: /"(?:[^"]|"")*"?|`(?:[^`]|``)*`?/y,
  text: /(?:[eE]'(?:[^'\\]|\\[^]|'')*'?)|(?:'(?:[^']|'')*'?)|(?:(\$[A-Za-z_]*\$)[^]*?(?:\1|$(?![^])))/y,
  number: /\d[\w.]*/y,
  mark: /[^]/y,
} as const

/** Hive has texts in both kinds of quotes, with backslashes, and names in backticks. */
const hivePatterns = {
  ...patterns,
  quoted: /`(?:[^`]|``)*`?/y,
  text: /'(?:[^'\\]|\\[^])*'?|"(?:[^"\\]|\\[^])*"?/y,
} as const

export type Quoting = 'standard' | 'hive'

/** Fails with `query_syntax` where parentheses nest deeper than 500 levels. Broken tokens are left to DuckDB to report. */
export function tokenize(sql: string, quoting: Quoting = 'standard'): Token[] {
  const tokens: Token[] = []
  let depth = 0
  for (let at = skipBlanks(sql, 0); at < sql.length;) {
    const token = tokenAt(sql, at, quoting === 'hive' ? hivePatterns : patterns)
    tokens.push(token)
    if (token.kind === 'mark') depth += nesting(token.value)
    if (depth > nestingMax) throw tooDeep(sql, token)
    at = skipBlanks(sql, token.end)
  }
  return tokens
}

function tokenAt(sql: string, start: number, of: Readonly<Record<Token['kind'], RegExp>>): Token {
  // A text may begin like a word: E'…'.
  for (const kind of ['text', 'quoted', 'word', 'number', 'mark'] as const) {
    const pattern = of[kind]
    pattern.lastIndex = start
    const found = pattern.exec(sql)?.[0]
    if (found === undefined) continue
    const value = kind === 'quoted' ? nameIn(found) : found
    return { kind, value, start, end: start + found.length }
  }
  throw new Error('a mark matches every character')
}

/** A quote inside of a name is written twice. */
function nameIn(quoted: string): string {
  const quote = quoted.charAt(0)
  return quoted.slice(1, -1).replaceAll(quote + quote, quote)
}

function skipBlanks(sql: string, from: number): number {
  let at = from
  for (;;) {
    blank.lastIndex = at
    at += blank.exec(sql)?.[0].length ?? 0
    if (!sql.startsWith('/*', at)) return at
    at = endOfComment(sql, at)
  }
}

/** Comments in SQL nest. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  let depth = 0
  for (let found = marks.exec(sql); found !== null; found = marks.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return found.index + 2
  }
  return sql.length
}

function nesting(mark: string): number {
  if ('([{'.includes(mark)) return 1
  return ')]}'.includes(mark) ? -1 : 0
}

function tooDeep(sql: string, token: Token): AppError {
  return new AppError('query_syntax', `The SQL nests deeper than ${nestingMax} levels of parentheses.`, {
    hint: 'Split the expression, or name its parts in a WITH clause.',
    position: placeAt(sql, token.start),
  })
}
