import { quotedName, quotedText } from '../../../store/types.ts'
import { hiveText } from './hive-text.ts'
import { lateralView } from './lateral-view.ts'
import type { Inner, Piece, Rule, Source, Translated } from './source.ts'

/** Texts stand in single or double quotes and have backslashes, and those in a row are one; names stand in backticks. */
const quotes: Rule = (source, at) => {
  const token = source.tokens[at]
  if (token?.kind === 'quoted') return { pieces: [source.ours(quotedName(token.value), at)], next: at + 1 }
  let text = ''
  let next = at
  for (; source.kind(next) === 'text'; next += 1) text += hiveText(source.tokens[next]?.value ?? '')
  return next === at ? undefined : { pieces: [source.ours(quotedText(text), at)], next }
}

const patternOperators: ReadonlySet<string> = new Set(['rlike', 'regexp'])

/** Operators of ours, which are macros of the library. */
const pattern: Rule = (source, at) => {
  const isNot = source.word(at) === 'not'
  const place = isNot ? at + 1 : at
  if (!patternOperators.has(source.word(place)) || (source.word(place + 1) === '(' && !isOperand(source, place - 1)))
    return undefined
  if (!isOperand(source, at - 1)) return undefined
  return { pieces: [source.ours(isNot ? '<!~>' : '<~>', at)], next: place + 1 }
}

const division: Rule = (source, at) =>
  source.word(at) === 'div' && isOperand(source, at - 1) ? { pieces: [source.ours('//', at)], next: at + 1 } : undefined

/** Words behind which no operator stands. */
const openWords: ReadonlySet<string> = new Set(
  'select where and or not on having when then else case by in like as from join into table'.split(' '),
)

function isOperand(source: Source, at: number): boolean {
  const kind = source.kind(at)
  if (kind === 'mark') return ')]'.includes(source.word(at))
  return kind !== undefined && !(kind === 'word' && openWords.has(source.word(at)))
}

/** Lists are counted from 0; keys of maps are not numbers, as a rule. */
const subscript: Rule = (source, at, inner) => {
  if (source.word(at) !== '[' || source.kind(at + 1) !== 'number' || source.word(at + 2) !== ']') return undefined
  if (!isOperand(source, at - 1)) return undefined
  return { pieces: [source.ours('[', at), ...inner(at + 1, at + 2), source.ours(' + 1]', at)], next: at + 3 }
}

const endOfSort: ReadonlySet<string> = new Set(['sort', 'order', 'cluster', 'distribute', 'limit', 'union', 'window'])

/** What is sorted for each reducer is sorted as a whole here, which is no less. */
const sorting: Rule = (source, at) => {
  if (source.word(at + 1) !== 'by') return undefined
  switch (source.word(at)) {
    case 'sort':
    case 'cluster':
      return { pieces: [source.ours('order by', at)], next: at + 2 }
    case 'distribute':
      return { pieces: [], next: source.until(at + 2, endOfSort) }
    default:
      return undefined
  }
}

/** array<bigint>, map<string, bigint> and struct<a: bigint> are types; a comparison with such a word would be a strange one. */
const types: Rule = (source, at, inner) => {
  if (source.word(at + 1) !== '<' || !['array', 'map', 'struct'].includes(source.word(at))) return undefined
  return nestedType(source, at, inner)
}

function nestedType(source: Source, at: number, inner: Inner): Translated {
  const close = closingAngle(source, at + 1)
  const parts = itemsOfType(source, at + 2, close).map(([from, to]) => typeItem(source, from, to, inner))
  const list = parts.flatMap((part, index) => (index === 0 ? part : [source.ours(', ', at), ...part]))
  if (source.word(at) === 'array') return { pieces: [...list, source.ours('[]', at)], next: close + 1 }
  return { pieces: [source.ours(`${source.word(at)}(`, at), ...list, source.ours(')', at)], next: close + 1 }
}

/** A type, or a field of a struct with its name and a colon before it. */
function typeItem(source: Source, from: number, to: number, inner: Inner): Piece[] {
  if (source.word(from + 1) !== ':') return inner(from, to)
  return [...inner(from, from + 1), source.ours(' ', from), ...inner(from + 2, to)]
}

function closingAngle(source: Source, open: number): number {
  let depth = 0
  for (let at = open; at < source.tokens.length; at += 1) {
    depth += Number(source.word(at) === '<') - Number(source.word(at) === '>')
    if (depth === 0) return at
  }
  return source.tokens.length
}

function itemsOfType(source: Source, from: number, to: number): (readonly [number, number])[] {
  const items: (readonly [number, number])[] = []
  let [start, depth] = [from, 0]
  for (let at = from; at < to; at += 1) {
    depth += Number('<('.includes(source.word(at) || '?')) - Number('>)'.includes(source.word(at) || '?'))
    if (depth !== 0 || source.word(at) !== ',') continue
    items.push([start, at])
    start = at + 1
  }
  return [...items, [start, to]]
}

/** INSERT INTO TABLE t. */
const insertIntoTable: Rule = (source, at) =>
  source.word(at) === 'table' && source.word(at - 1) === 'into' && source.word(at - 2) === 'insert'
    ? { pieces: [], next: at + 1 }
    : undefined

export const hiveRules: readonly Rule[] = [
  quotes,
  lateralView,
  pattern,
  division,
  subscript,
  sorting,
  types,
  insertIntoTable,
]
