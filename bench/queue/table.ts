/** An object of figures as a line each, an object of such objects as a table with their keys as its head. */
export function rowsOf(result: unknown): string[] {
  const entries = Object.entries(result as Record<string, unknown>)
  const tables = entries.filter((entry): entry is [string, Record<string, unknown>] => typeof entry[1] === 'object')
  if (tables.length === 0) return entries.map(([name, value]) => `${name.padEnd(24)}${shown(value)}`)
  const columns = Object.keys(tables[0]?.[1] ?? {})
  const width = Math.max(10, ...columns.map((column) => column.length + 2))
  const head = ' '.repeat(24) + columns.map((column) => column.padStart(width)).join('')
  return [
    head,
    ...tables.map(
      ([name, row]) => name.padEnd(24) + columns.map((column) => shown(row[column]).padStart(width)).join(''),
    ),
  ]
}

function shown(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en') : String(value)
}
