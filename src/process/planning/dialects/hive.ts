import { quotedName, quotedText } from '../../../store/types.ts'
import { hiveText } from './hive-text.ts'
import { lateralView } from './lateral-view.ts'
import { nestedTypes } from './nested-types.ts'
import type { Rule, Source } from './source.ts'

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
  nestedTypes,
  insertIntoTable,
]
