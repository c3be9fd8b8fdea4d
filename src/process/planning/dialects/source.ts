import type { Token } from '../tokens.ts'
import type { SqlDialect } from './dialect.ts'

/** A piece of the translation: a stretch of the original, or words of ours for what begins there. */
export interface Piece {
  readonly text: string
  readonly offset: number
  readonly isOriginal: boolean
}

/** What a rule made of the tokens from where it was asked: the pieces, and the first token behind them. */
export interface Translated {
  readonly pieces: readonly Piece[]
  readonly next: number
}

/** What is tried at each token; a rule hands back stretches to be translated in their turn. */
export type Rule = (source: Source, at: number, inner: Inner) => Translated | undefined
export type Inner = (from: number, to: number) => Piece[]

/** The tokens of a query, and where its parentheses close. */
export class Source {
  readonly sql: string
  readonly tokens: readonly Token[]
  readonly dialect: SqlDialect
  readonly #words: readonly string[]
  readonly #closing: ReadonlyMap<number, number>

  constructor(sql: string, tokens: readonly Token[], dialect: SqlDialect) {
    this.sql = sql
    this.tokens = tokens
    this.dialect = dialect
    this.#words = tokens.map(({ kind, value }) => (kind === 'word' || kind === 'mark' ? value.toLowerCase() : ''))
    this.#closing = closingMarks(tokens)
  }

  /** The word or mark at a place in lower case; empty for everything else. */
  word(at: number): string {
    return this.#words[at] ?? ''
  }

  kind(at: number): Token['kind'] | undefined {
    return this.tokens[at]?.kind
  }

  offset(at: number): number {
    return this.tokens[at]?.start ?? this.sql.length
  }

  /** The token that closes the parenthesis, bracket or brace; the end where none does. */
  closing(at: number): number {
    return this.#closing.get(at) ?? this.tokens.length
  }

  /** The tokens as they are written, with the blanks before each but the first. */
  original(from: number, to: number): Piece[] {
    const [first, last] = [this.tokens[from], this.tokens[to - 1]]
    if (first === undefined || last === undefined || to <= from) return []
    return [{ text: this.sql.slice(first.start, last.end), offset: first.start, isOriginal: true }]
  }

  /** Words of ours in the place of a token. */
  ours(text: string, at: number): Piece {
    return { text, offset: this.offset(at), isOriginal: false }
  }

  /** Where the list between `from` and `to` is parted by commas: the ends of its items. */
  items(from: number, to: number): (readonly [from: number, to: number])[] {
    if (from >= to) return []
    const items: (readonly [number, number])[] = []
    let start = from
    for (let at = from; at < to; at += 1) {
      if (this.#closing.has(at)) at = Math.min(this.closing(at), to - 1)
      else if (this.word(at) === ',') {
        items.push([start, at])
        start = at + 1
      }
    }
    return [...items, [start, to]]
  }

  /** The first token from `at` on, in the same parentheses, that is one of the words; where they close, or the end. */
  until(at: number, words: ReadonlySet<string>): number {
    let place = at
    while (place < this.tokens.length && !words.has(this.word(place)) && !')]};'.includes(this.word(place) || '?')) {
      place = this.#closing.has(place) ? this.closing(place) + 1 : place + 1
    }
    return Math.min(place, this.tokens.length)
  }
}

function closingMarks(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const closing = new Map<number, number>()
  const open: number[] = []
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind !== 'mark') continue
    if ('([{'.includes(value)) open.push(at)
    if (')]}'.includes(value)) {
      const opened = open.pop()
      if (opened !== undefined) closing.set(opened, at)
    }
  }
  return closing
}
