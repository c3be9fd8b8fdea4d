import { AppError } from '../../../base/errors.ts'
import { quotedName } from '../../../store/types.ts'
import { placeAt } from '../places.ts'
import type { Inner, Piece, Rule, Source, Translated } from './source.ts'

/**
 * TD_SESSIONIZE_WINDOW(time, timeout) OVER (…) and TD_SESSIONIZE(time, timeout, by). A session begins at a row that comes more than
 * the timeout after the one before it, which is one window, and its id is the last that began, which is another over the first.
 * SQL nests no windows, so the rows of FROM and WHERE become a subquery, which has a new id where a session begins.
 */
interface SessionCall {
  readonly at: number
  /** The first token behind it. */
  readonly next: number
  readonly time: readonly [number, number]
  readonly timeout: readonly [number, number]
  /** OVER (…), or the column to part by. */
  readonly over: readonly [number, number]
  readonly isWindow: boolean
}

const columnOf = ({ at }: SessionCall): string => quotedName(`@session ${at}`)

/** The call itself, in the list of a SELECT that `sessionSelect` wraps. */
export const sessionCall: Rule = (source, at, inner) => {
  const call = callAt(source, at)
  if (call === undefined) return undefined
  const pieces = [
    source.ours(`last_value(${columnOf(call)} ignore nulls) over (`, at),
    ...windowOf(source, call, inner),
    source.ours(')', at),
  ]
  return { pieces, next: call.next }
}

const endsOfFrom = 'where group having window qualify order limit offset union except intersect cluster distribute sort'
const endOfFrom: ReadonlySet<string> = new Set(endsOfFrom.split(' '))
const endOfWhere: ReadonlySet<string> = new Set(endsOfFrom.split(' ').slice(1))
const fromWord: ReadonlySet<string> = new Set(['from', 'select'])

/** A SELECT with such calls in its list. */
export const sessionSelect: Rule = (source, at, inner) => {
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
  calls: readonly SessionCall[],
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
  const begins = calls.flatMap((call): Piece[] => [
    source.ours(', case when (', call.at),
    ...inner(...call.time),
    source.ours(') - lag(', call.at),
    ...inner(...call.time),
    source.ours(') over (', call.at),
    ...windowOf(source, call, inner),
    source.ours(') <= (', call.at),
    ...inner(...call.timeout),
    source.ours(`) then null else cast(uuid() as varchar) end as ${columnOf(call)}`, call.at),
  ])
  const pieces = [
    ...source.original(at, at + 1),
    ...items,
    source.ours(' from (select *', from),
    ...begins,
    source.ours(' ', from),
    ...inner(from, end),
    source.ours(`) as ${aliasOf(source, from + 1, where)} `, from),
  ]
  return { pieces, next: end }
}

function callsIn(source: Source, from: number, to: number): SessionCall[] {
  const calls: SessionCall[] = []
  for (let at = from; at < to; at += 1) {
    const isQuery = source.word(at) === '(' && ['select', 'with', 'from'].includes(source.word(at + 1))
    if (isQuery) at = source.closing(at)
    const call = callAt(source, at)
    if (call !== undefined) calls.push(call)
  }
  return calls
}

function callAt(source: Source, at: number): SessionCall | undefined {
  const name = source.word(at)
  const isWindow = name === 'td_sessionize_window'
  if ((!isWindow && name !== 'td_sessionize') || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  const [time, timeout, by] = source.items(at + 2, close)
  if (time === undefined || timeout === undefined) throw notPossible(source, at)
  if (!isWindow) {
    if (by === undefined) throw notPossible(source, at)
    return { at, next: close + 1, time, timeout, over: by, isWindow }
  }
  if (source.word(close + 1) !== 'over' || source.word(close + 2) !== '(') throw notPossible(source, at)
  const end = source.closing(close + 2)
  return { at, next: end + 1, time, timeout, over: [close + 3, end], isWindow }
}

function windowOf(source: Source, { at, time, over, isWindow }: SessionCall, inner: Inner): Piece[] {
  if (isWindow) return inner(...over)
  return [source.ours('partition by ', at), ...inner(...over), source.ours(' order by ', at), ...inner(...time)]
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

function notPossible(source: Source, at: number): AppError {
  return new AppError(
    'query_semantic',
    'Sessions are told in the list of a SELECT over one table or subquery, without GROUP BY.',
    {
      hint: 'SELECT td_sessionize_window(time, 1800) OVER (PARTITION BY user_id ORDER BY time) AS session FROM (SELECT … JOIN …) AS t',
      position: placeAt(source.sql, source.offset(at)),
    },
  )
}
