import { isNumeral, jsonText, plainText } from './cells.ts'
import type { Cell, RowSet } from './cells.ts'
import type { TextFormat } from './formats.ts'
import { visible } from './visible.ts'

/** Text in pieces, in the order of the output. */
export type TextPieces = AsyncGenerator<string>

/** The rows in the format. `csv`, `tsv`, `ndjson` and `json` go through row by row; the others hold all rows. */
export function formatRows(format: TextFormat, rows: RowSet): TextPieces {
  switch (format) {
    case 'table':
      return table(rows)
    case 'vertical':
      return vertical(rows)
    case 'csv':
      return delimited(rows, ',', '\r\n')
    case 'tsv':
      return delimited(rows, '\t', '\n')
    case 'json':
      return json(rows)
    case 'ndjson':
      return ndjson(rows)
    case 'markdown':
      return markdown(rows)
  }
}

async function* table({ columns, rows }: RowSet): TextPieces {
  const body = await collected(rows)
  const { default: Table } = await import('cli-table3')
  const numeric = columns.map((_, index) => isNumericColumn(body, index))
  const drawn = new Table({
    head: columns.map(visible),
    colAligns: numeric.map((is) => (is ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of body) drawn.push(row.map((cell) => visible(plainText(cell, 'NULL'))))
  yield `${drawn.toString()}\n`
}

async function* vertical({ columns, rows }: RowSet): TextPieces {
  const names = columns.map(visible)
  const width = Math.max(0, ...names.map((name) => name.length))
  let number = 0
  for await (const row of rows) {
    number++
    const lines = names.map((name, index) => {
      const value = visible(plainText(row[index] ?? null, 'NULL')).replaceAll('\n', `\n${' '.repeat(width)} | `)
      return `${name.padEnd(width)} | ${value}\n`
    })
    yield `${number === 1 ? '' : '\n'}${lines.join('')}`
  }
}

async function* markdown({ columns, rows }: RowSet): TextPieces {
  const body = await collected(rows)
  const escaped = (text: string) => visible(text).replaceAll('|', '\\|').replaceAll('\n', '<br>')
  const line = (fields: readonly string[]) => `| ${fields.join(' | ')} |\n`
  yield line(columns.map(escaped))
  yield line(columns.map((_, index) => (isNumericColumn(body, index) ? '---:' : '---')))
  for (const row of body) yield line(row.map((cell) => escaped(plainText(cell, 'NULL'))))
}

/** RFC 4180, as the server writes results: NULL is an empty field, the empty text a quoted one. */
async function* delimited({ columns, rows }: RowSet, delimiter: string, lineEnd: string): TextPieces {
  const special = new RegExp(`^$|["\\r\\n${delimiter}]`)
  const quoted = (text: string) => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  yield columns.map(quoted).join(delimiter) + lineEnd
  for await (const row of rows) {
    yield row.map((cell) => (cell === null ? '' : quoted(plainText(cell, '')))).join(delimiter) + lineEnd
  }
}

async function* json(rows: RowSet): TextPieces {
  let separator = '['
  for await (const line of ndjson(rows)) {
    yield `${separator}\n${line.trimEnd()}`
    separator = ','
  }
  yield separator === '[' ? '[]\n' : '\n]\n'
}

async function* ndjson({ columns, rows }: RowSet): TextPieces {
  const labels = columns.map((name) => JSON.stringify(name))
  for await (const row of rows) {
    yield `{${labels.map((label, index) => `${label}:${jsonText(row[index] ?? null)}`).join(',')}}\n`
  }
}

async function collected(rows: RowSet['rows']): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = []
  for await (const row of rows) all.push(row)
  return all
}

/** Whether a column holds numbers and nothing else but NULL. */
function isNumericColumn(rows: readonly (readonly Cell[])[], index: number): boolean {
  const cells = rows.map((row) => row[index] ?? null).filter((cell) => cell !== null)
  return cells.length > 0 && cells.every(isNumeral)
}
