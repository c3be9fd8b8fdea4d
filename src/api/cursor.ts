import { AppError } from '../base/errors.ts'

/** Where a page ended, as text that clients hand back and do not take apart. */
export function cursorBefore(id: number): string {
  return Buffer.from(`before:${id}`).toString('base64url')
}

/** The smallest id of the page before; undefined for the first page. */
export function idOfCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const match = /^before:([1-9]\d{0,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const id = Number(match?.[1])
  if (Number.isSafeInteger(id)) return id
  throw new AppError('invalid_request', '“cursor” in the query is none that this server gave out.', {
    hint: 'Send `next_cursor` of the page before unchanged, or leave it out for the first page.',
  })
}

/** One page of rows that were read with a limit of one more than the page holds. */
export function pageOf<Row extends { readonly id: number }>(rows: readonly Row[], limit: number) {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorBefore(last.id) : null }
}
