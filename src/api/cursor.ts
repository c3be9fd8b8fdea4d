import { AppError } from '../base/errors.ts'

// Where a page ended, as text that clients hand back and do not take apart.

export function cursorBefore(id: number): string {
  return encoded(`before:${id}`)
}

/** The smallest id of the page before; undefined for the first page. */
export function idOfCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const id = Number(decoded(cursor, /^before:([1-9]\d{0,15})$/))
  return Number.isSafeInteger(id) ? id : notOurs()
}

export function cursorAfterName(name: string): string {
  return encoded(`after:${name}`)
}

/** The last name of the page before. */
export function nameOfCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : decoded(cursor, /^after:([^\p{C}]+)$/u)
}

export function cursorBeforeTime(time: Date): string {
  return encoded(`before:${time.toISOString()}`)
}

/** The earliest time of the page before. */
export function timeOfCursor(cursor: string | undefined): Date | undefined {
  if (cursor === undefined) return undefined
  const time = new Date(decoded(cursor, /^before:(\d{4}-\d\d-\d\dT[\d:.]+Z)$/))
  return Number.isNaN(time.getTime()) ? notOurs() : time
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url')
}

function decoded(cursor: string, pattern: RegExp): string {
  return pattern.exec(Buffer.from(cursor, 'base64url').toString())?.[1] ?? notOurs()
}

function notOurs(): never {
  throw new AppError('invalid_request', '“cursor” in the query is none that this server gave out.', {
    hint: 'Send `next_cursor` of the page before unchanged, or leave it out for the first page.',
  })
}

/** One page of rows that were read with a limit of one more than the page holds. */
export function pageBy<Row>(rows: readonly Row[], limit: number, cursorOf: (last: Row) => string) {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}

/** The same, from the newest down. */
export function pageOf<Row extends { readonly id: number }>(rows: readonly Row[], limit: number) {
  return pageBy(rows, limit, ({ id }) => cursorBefore(id))
}
