import type { RowCall } from './row-call.ts'
import { notPossible } from './row-call.ts'
import type { Inner, Piece, Source } from './source.ts'

type Stretch = readonly [from: number, to: number]

/**
 * TD_SESSIONIZE_WINDOW(time, timeout) OVER (…) and TD_SESSIONIZE(time, timeout, by). A session begins at a row that comes more than
 * the timeout after the one before it, which is one window, and its id is the last that began, which is another over the first.
 */
export function sessionAt(source: Source, at: number): RowCall | undefined {
  const name = source.word(at)
  const isWindow = name === 'td_sessionize_window'
  if ((!isWindow && name !== 'td_sessionize') || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  const [time, timeout, by] = source.items(at + 2, close)
  if (time === undefined || timeout === undefined) throw notPossible(source, at)
  if (!isWindow) {
    if (by === undefined) throw notPossible(source, at)
    return sessionOf(source, { at, next: close + 1, time, timeout, over: by, isWindow })
  }
  if (source.word(close + 1) !== 'over' || source.word(close + 2) !== '(') throw notPossible(source, at)
  const end = source.closing(close + 2)
  return sessionOf(source, { at, next: end + 1, time, timeout, over: [close + 3, end], isWindow })
}

interface SessionCall {
  readonly at: number
  readonly next: number
  readonly time: Stretch
  readonly timeout: Stretch
  /** OVER (…), or the column to part by. */
  readonly over: Stretch
  readonly isWindow: boolean
}

function sessionOf(source: Source, { at, next, time, timeout, over, isWindow }: SessionCall): RowCall {
  const ours = (text: string) => source.ours(text, at)
  return {
    at,
    next,
    column: (inner) => [
      ours('case when ('),
      ...inner(...time),
      ours(') - lag('),
      ...inner(...time),
      ours(') over ('),
      ...windowOf(inner),
      ours(') <= ('),
      ...inner(...timeout),
      ours(') then null else cast(uuid() as varchar) end'),
    ],
    answer: (column, inner) => [ours(`last_value(${column} ignore nulls) over (`), ...windowOf(inner), ours(')')],
  }

  function windowOf(inner: Inner): Piece[] {
    if (isWindow) return inner(...over)
    return [ours('partition by '), ...inner(...over), ours(' order by '), ...inner(...time)]
  }
}
