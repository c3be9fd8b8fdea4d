import { AppError } from '../../../base/errors.ts'
import { placeAt } from '../places.ts'
import type { Inner, Piece, Source } from './source.ts'

/**
 * A call in the list of a SELECT that is answered by a window over another window. SQL nests none, so the rows of FROM and WHERE
 * become a subquery that has the inner one as a column more.
 */
export interface RowCall {
  /** The first token of it, and the first behind it. */
  readonly at: number
  readonly next: number
  /** The inner window. */
  column(inner: Inner): Piece[]
  /** The call itself, given the name of that column. */
  answer(column: string, inner: Inner): Piece[]
}

/** Where the rows of a call cannot be told apart from those of another table or of a group. */
export function notPossible(source: Source, at: number): AppError {
  return new AppError(
    'query_semantic',
    'Sessions and ranks are told in the list of a SELECT over one table or subquery, without GROUP BY.',
    {
      hint: 'SELECT td_sessionize_window(time, 1800) OVER (PARTITION BY user_id ORDER BY time) AS session FROM (SELECT … JOIN …) AS t',
      position: placeAt(source.sql, source.offset(at)),
    },
  )
}
