import { usage } from '../failure.ts'
import { write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import type { RowSet } from './cells.ts'
import { cellOf } from './cells.ts'
import { requireFormat, textFormats } from './formats.ts'
import type { TextFormat } from './formats.ts'
import { formatRows } from './write-rows.ts'

/** Writes rows to standard output in the format that was asked for, or that fits the reader. */
export async function printRows(terminal: Terminal, rows: RowSet, asked: string | undefined): Promise<void> {
  if (asked !== undefined) return await printAs(terminal, requireFormat(asked, textFormats), rows)
  if (terminal.stdout.isTTY !== true) return await printAs(terminal, 'tsv', rows)
  await printForTerminal(terminal, rows)
}

/** One thing: below each other on a terminal, else a single row. */
export async function printRecord(terminal: Terminal, record: object, asked: string | undefined): Promise<void> {
  const entries = Object.entries(record)
  const rows: RowSet = { columns: entries.map(([name]) => name), rows: [entries.map(([, value]) => cellOf(value))] }
  const fitting = terminal.stdout.isTTY === true ? 'vertical' : 'tsv'
  await printAs(terminal, asked === undefined ? fitting : requireFormat(asked, textFormats), rows)
}

export async function printAs(terminal: Terminal, format: TextFormat, rows: RowSet): Promise<void> {
  for await (const piece of formatRows(format, rows)) await write(terminal.stdout, piece)
}

/** A table, unless it is wider than the terminal: then the values below each other. */
async function printForTerminal(terminal: Terminal, { columns, rows }: RowSet): Promise<void> {
  const body = []
  for await (const row of rows) body.push(row)
  let drawn = ''
  for await (const piece of formatRows('table', { columns, rows: body })) drawn += piece
  const width = Math.max(...drawn.split('\n', 1).map((line) => line.length))
  // Some terminals say that they have no columns at all.
  if (width <= (terminal.stdout.columns || 80)) return await write(terminal.stdout, drawn)
  await printAs(terminal, 'vertical', { columns, rows: body })
}

/** Refuses bytes where a person would have to read them. */
export function refuseBytesOnTerminal(terminal: Terminal, format: string): void {
  if (terminal.stdout.isTTY !== true) return
  throw usage(`${format} is not for reading.`, `Write it to a file with -o FILE.`)
}
