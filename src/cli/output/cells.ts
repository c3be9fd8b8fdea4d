/** JSON text that is written as it is: a numeral keeps all its digits, because nothing ever reads it as a number. */
export interface RawJson {
  readonly raw: string
}

/** One value on its way to the reader: NULL, text, or JSON text of anything else. */
export type Cell = null | string | RawJson

export interface RowSet {
  readonly columns: readonly string[]
  readonly rows: Iterable<readonly Cell[]> | AsyncIterable<readonly Cell[]>
}

/** A cell of a value that our own API answered with, whose numbers are all exact. */
export function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : { raw: JSON.stringify(value) }
}

/** Objects of one shape as rows; `columns` names what is shown, in order. */
export function rowsOf<Item extends object>(columns: readonly (keyof Item & string)[], items: readonly Item[]): RowSet {
  return { columns, rows: items.map((item) => columns.map((column) => cellOf(item[column]))) }
}

export function plainText(cell: Cell, nothing: string): string {
  if (cell === null) return nothing
  return typeof cell === 'string' ? cell : cell.raw
}

export function jsonText(cell: Cell): string {
  if (cell === null) return 'null'
  return typeof cell === 'string' ? JSON.stringify(cell) : cell.raw
}

export function isNumeral(cell: Cell): boolean {
  return cell !== null && typeof cell !== 'string' && /^-?\d/.test(cell.raw)
}
