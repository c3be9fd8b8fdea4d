import { quotedName } from '../../../store/types.ts'
import type { RowCall } from './row-call.ts'
import { notPossible } from './row-call.ts'
import type { Inner, Rule, Source, Translated } from './source.ts'
import { sessionAt } from './sessionize.ts'
import { rankAt } from './x-rank.ts'

function callAt(source: Source, at: number): RowCall | undefined {
  return sessionAt(source, at) ?? rankAt(source, at)
}

const columnOf = ({ at }: RowCall): string => quotedName(`@window ${at}`)

/** The call itself, in the list of a SELECT that `rowSelect` wraps. */
export const rowCall: Rule = (source, at, inner) => {
  const call = callAt(source, at)
  return call && { pieces: call.answer(columnOf(call), inner), next: call.next }
}

const endsOfFrom = 'where group having window qualify order limit offset union except intersect cluster distribute sort'
const endOfFrom: ReadonlySet<string> = new Set(endsOfFrom.split(' '))
const endOfWhere: ReadonlySet<string> = new Set(endsOfFrom.split(' ').slice(1))
const fromWord: ReadonlySet<string> = new Set(['from', 'select'])

/** A SELECT with such calls in its list. */
export const rowSelect: Rule = (source, at, inner) => {
  if (source.word(at) !== 'select') return undefined
  const from = source.until(at + 1, fromWord)
  const calls = callsIn(source, at + 1, from)
  if (calls.length === 0) return undefined
  if (source.word(from) !== 'from') throw notPossible(source, at)
  const where = source.until(from + 1, endOfFrom)
  const end = source.word(where) === 'where' ? source.until(where + 1, endOfWhere) : where
  if (['group', 'having', 'qualify'].includes(source.word(end))) throw notPossible(source, end)
  return wrapped(source, { at, from, where, end }, calls, inner)
}

interface SelectParts {
  readonly at: number
  readonly from: number
  readonly where: number
  readonly end: number
}

function wrapped(
  source: Source,
  { at, from, where, end }: SelectParts,
  calls: readonly RowCall[],
  inner: Inner,
): Translated {
  const own = calls.map(columnOf).join(', ')
  const items = source
    .items(at + 1, from)
    .flatMap(([start, stop], index) => [
      source.ours(index === 0 ? ' ' : ', ', start),
      ...inner(start, stop),
      ...(isStar(source, start, stop) ? [source.ours(` exclude (${own})`, start)] : []),
    ])
  const columns = calls.flatMap((call) => [
    source.ours(', ', call.at),
    ...call.column(inner),
    source.ours(` as ${columnOf(call)}`, call.at),
  ])
  const pieces = [
    ...source.original(at, at + 1),
    ...items,
    source.ours(' from (select *', from),
    ...columns,
    source.ours(' ', from),
    ...inner(from, end),
    source.ours(`) as ${aliasOf(source, from + 1, where)} `, from),
  ]
  return { pieces, next: end }
}

function callsIn(source: Source, from: number, to: number): RowCall[] {
  const calls: RowCall[] = []
  for (let at = from; at < to; at += 1) {
    const isQuery = source.word(at) === '(' && ['select', 'with', 'from'].includes(source.word(at + 1))
    if (isQuery) at = source.closing(at)
    const call = callAt(source, at)
    if (call !== undefined) calls.push(call)
  }
  return calls
}

function isStar(source: Source, from: number, to: number): boolean {
  return source.word(to - 1) === '*' && (to - from === 1 || ['.', 'distinct', 'all'].includes(source.word(to - 2)))
}

/** What the table or subquery of FROM is called, so that the names of its columns stay what they are. */
function aliasOf(source: Source, from: number, to: number): string {
  const isQuery = source.word(from) === '('
  let at = isQuery ? source.closing(from) + 1 : from + 1
  let name = from
  if (!isQuery && source.word(at) === '.') {
    name = at + 1
    at += 2
  }
  if (source.word(at) === 'as') at += 1
  const hasAlias = at < to
  const end = hasAlias && source.word(at + 1) === '(' ? source.closing(at + 1) + 1 : at + Number(hasAlias)
  const token = hasAlias ? at : name
  if (end !== to || (!hasAlias && isQuery)) {
    if (isQuery && at === to) return quotedName('@rows')
    throw notPossible(source, from)
  }
  return quotedName(source.tokens[token]?.value ?? '')
}
