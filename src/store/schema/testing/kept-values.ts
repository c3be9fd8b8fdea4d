import { doubleJson } from '../../../collect/split/decimal.ts'
import { firstFieldId, queryColumns, rescuedColumn, schemaClause } from '../../columns.ts'
import type { LogicalType } from '../../types.ts'
import type { ImportedFiles } from './imported-files.ts'

/** A value and what is rescued of it, both as text. */
export type Kept = readonly [value: string | null, rescued: string | null]

/** Imports values, JSON texts or bytes of MessagePack, into a column of the type; a SELECT of `value` and `rescued`. */
export async function importedValues(
  files: ImportedFiles,
  sources: readonly (string | Uint8Array)[],
  type: LogicalType,
): Promise<string> {
  const column = { fieldId: firstFieldId, name: 'c', type }
  const isText = typeof sources[0] === 'string'
  const body = isText
    ? sources.map((source) => `{"c":${source as string}}`).join('\n')
    : Buffer.concat(sources.map((source) => Buffer.concat([Buffer.from([0x81, 0xa1, 0x63]), source as Uint8Array])))
  const format = isText ? 'ndjson' : 'msgpack'
  const { path } = await files.write(body, { format, known: [column], nextFieldId: firstFieldId + 1 })
  const schema = schemaClause(queryColumns([column, rescuedColumn]))
  return `select c as value, _rescued['c'] as rescued from read_parquet('${path}', schema = ${schema})`
}

/** The rows of such a SELECT. */
export async function keptRows(files: ImportedFiles, select: string): Promise<Kept[]> {
  const rows = await files.session.rows(`select value::varchar, rescued from (${select})`)
  return rows.map(([value, rescued]) => [value as string | null, rescued as string | null])
}

/**
 * What a conversion has to make of values of a column of one type: what the splitter makes of the JSON texts that they stand
 * for, in a column of the other.
 */
export async function expectedValues(
  files: ImportedFiles,
  kept: readonly Kept[],
  from: LogicalType,
  to: LogicalType,
): Promise<Kept[]> {
  const texts = kept.map((values) => standsFor(from, values) ?? 'null')
  const expected = await keptRows(files, await importedValues(files, texts, to))
  if (from.kind !== 'timestamp' || to.kind !== 'date') return expected
  // The one exception: midnights are days, though the text of a moment is none.
  const days = texts.map((text, row) => (kept[row]?.[1] === null ? /^"(.{10})T00:00:00Z"$/.exec(text)?.[1] : undefined))
  return expected.map((values, row): Kept => {
    const day = days[row]
    return day === undefined ? values : [day.startsWith('0000') ? `${day.replace('0000', '0001')} (BC)` : day, null]
  })
}

/** The JSON text that a value of the type stands for, as docs/types.md has it; null of nothing. */
function standsFor(type: LogicalType, [value, rescued]: Kept): string | null {
  if (rescued !== null) return rescued
  if (value === null) return null
  switch (type.kind) {
    case 'double':
      return doubleJson(Number(value))
    case 'varchar':
      return /^[[{]/.test(value) && isJson(value) ? value : JSON.stringify(value)
    case 'date':
      return JSON.stringify(yearZero(value))
    case 'timestamp':
      return JSON.stringify(`${yearZero(value).replace(' ', 'T')}Z`)
    default:
      return value
  }
}

/** DuckDB writes the year zero as the one before Christ, which the text of days and moments does not know. */
function yearZero(text: string): string {
  return text.includes(' (BC)') ? text.replace(/^0001/, '0000').replace(' (BC)', '') : text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
