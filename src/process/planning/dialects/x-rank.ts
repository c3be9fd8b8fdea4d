import type { RowCall } from './row-call.ts'
import { notPossible } from './row-call.ts'
import type { Source } from './source.ts'

/**
 * TD_X_RANK(key, …): the place of a row among those of its key, from 1, in the order in which the rows come: what is written
 * as `FROM (SELECT … DISTRIBUTE BY key SORT BY key, column) t` decides. The order itself is one window, the place another.
 */
export function rankAt(source: Source, at: number): RowCall | undefined {
  if (source.word(at) !== 'td_x_rank' || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  if (close === at + 2) throw notPossible(source, at)
  const ours = (text: string) => source.ours(text, at)
  return {
    at,
    next: close + 1,
    column: () => [ours('row_number() over ()')],
    answer: (column, inner) => [
      ours('row_number() over (partition by '),
      ...inner(at + 2, close),
      ours(` order by ${column})`),
    ],
  }
}
