import { AppError } from '../../../base/errors.ts'
import { placeAt } from '../places.ts'
import { tokenize } from '../tokens.ts'
import { callOf } from './calls.ts'
import type { SqlDialect } from './dialect.ts'
import { hiveRules } from './hive.ts'
import { pairLambda } from './pair-lambdas.ts'
import { prestoRules } from './presto.ts'
import { rowCall, rowSelect } from './wrap-rows.ts'
import type { Inner, Piece, Rule, Translated } from './source.ts'
import { Source } from './source.ts'

/** A translation, and where in the original the places of it come from. */
export interface Translation {
  readonly text: string
  readonly offsetOf: (offset: number) => number
}

const shared: readonly Rule[] = [call, pairLambda, rowCall, rowSelect]

const rules: Readonly<Record<SqlDialect, readonly Rule[]>> = {
  duckdb: [...shared],
  presto: [...prestoRules, ...shared],
  hive: [...hiveRules, ...shared],
}

/** Writes a query of a dialect in the engine's language. What is not known stays as it is, for the engine to judge. */
export function translate(sql: string, dialect: SqlDialect): Translation {
  const source = new Source(sql, tokenize(sql, dialect === 'hive' ? 'hive' : 'standard'), dialect)
  const [first, last] = [source.offset(0), source.tokens.at(-1)?.end ?? sql.length]
  const pieces = [
    { text: sql.slice(0, first), offset: 0, isOriginal: true },
    ...new Run(source).translate(0, source.tokens.length),
    { text: sql.slice(last), offset: last, isOriginal: true },
  ]
  const text = pieces.map((piece) => piece.text).join('')
  return { text, offsetOf: (offset) => originalOffset(pieces, offset) }
}

/** Does something with the translation of the SQL; the places of errors are those of the SQL as it was written. */
export async function inTranslation<T>(
  sql: string,
  translation: Translation,
  body: (sql: string) => Promise<T>,
): Promise<T> {
  try {
    return await body(translation.text)
  } catch (error) {
    const offset = error instanceof AppError ? error.position?.offset : undefined
    if (!(error instanceof AppError) || offset === undefined) throw error
    const position = placeAt(sql, translation.offsetOf(offset))
    throw AppError.fromRecord({ ...error.toRecord(), position })
  }
}

/** Rules hand on stretches of what they were handed: no deeper than the parentheses of honest SQL, and not again and again. */
const depthMax = 600
const stepsPerToken = 20

/** One run over the tokens. */
class Run {
  readonly #source: Source
  #stepsLeft: number
  #depth = 0

  constructor(source: Source) {
    this.#source = source
    this.#stepsLeft = stepsPerToken * (source.tokens.length + 100)
  }

  readonly translate: Inner = (from, to) => {
    const source = this.#source
    this.#depth += 1
    if (this.#depth > depthMax) throw tooComplex(source, from)
    const pieces: Piece[] = []
    let end = source.offset(from)
    for (let at = from; at < to;) {
      this.#stepsLeft -= 1
      if (this.#stepsLeft < 0) throw tooComplex(source, at)
      const start = source.offset(at)
      if (start > end) pieces.push({ text: source.sql.slice(end, start), offset: end, isOriginal: true })
      const found = this.#firstOf(at)
      for (const piece of found?.pieces ?? source.original(at, at + 1)) pieces.push(piece)
      at = found?.next ?? at + 1
      end = source.tokens[at - 1]?.end ?? source.sql.length
    }
    this.#depth -= 1
    return pieces
  }

  #firstOf(at: number): Translated | undefined {
    for (const rule of rules[this.#source.dialect]) {
      const found = rule(this.#source, at, this.translate)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function tooComplex(source: Source, at: number): AppError {
  return new AppError('query_syntax', 'The SQL nests too deep to be translated from its dialect.', {
    hint: 'Name parts of it in a WITH clause.',
    position: placeAt(source.sql, source.offset(at)),
  })
}

/** Words before a parenthesis that is not that of a call: names of tables and aliases have their columns there. */
const namesFollow: ReadonlySet<string> = new Set(['table', 'into', 'as', 'overwrite', 'exists', '.'])

function call(source: Source, at: number, inner: Inner): Translated | undefined {
  if (source.kind(at) !== 'word' || source.word(at + 1) !== '(' || namesFollow.has(source.word(at - 1)))
    return undefined
  const known = callOf(source.word(at), source.dialect)
  const close = source.closing(at + 1)
  if (known === undefined || close >= source.tokens.length) return undefined
  const items = source.items(at + 2, close)
  const parts = known(items.length)
  if (parts === undefined) return undefined
  const pieces = parts.flatMap((part): Piece[] => {
    if (typeof part === 'string') return [source.ours(part, at)]
    const [from, to] = items[part] ?? [close, close]
    return inner(from, to)
  })
  return { pieces, next: close + 1 }
}

function originalOffset(pieces: readonly Piece[], offset: number): number {
  let start = 0
  for (const { text, offset: original, isOriginal } of pieces) {
    if (offset < start + text.length) return isOriginal ? original + offset - start : original
    start += text.length
  }
  const last = pieces.at(-1)
  return last === undefined ? offset : last.offset + (last.isOriginal ? last.text.length : 0)
}
