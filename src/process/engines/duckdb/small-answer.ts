import type { DuckDBValue } from '@duckdb/node-api'

import type { Session } from '../../../base/duckdb/session.ts'
import type { FlatVector } from '../../../base/parquet/vectors.ts'
import { writePlainParquet } from '../../../base/parquet/write-plain.ts'
import { annotationOf } from '../../../store/parquet-options.ts'
import type { ScalarType } from '../../../store/types.ts'
import { isScalar } from '../../../store/types.ts'
import { selectText } from './execute.ts'
import type { ExecuteInput, SmallAnswer, SmallAnswerColumn } from './tasks.ts'
import { vectorOfValues } from './value-vectors.ts'

type Row = readonly DuckDBValue[]

/** Writes rows in a format by its name; undefined where it is not for rows that are at hand. */
export type FormatRows = (
  format: string,
  columns: readonly SmallAnswerColumn[],
  rows: readonly Row[],
) => Promise<Uint8Array | undefined>

/**
 * What is larger is written by DuckDB, once more from the beginning: that was not much of a query that was taken for a small one. Values
 * become objects here, of up to a hundred bytes each, in a heap of 512 MiB.
 */
const rowsMax = 10_000
const valuesMax = 500_000
const columnsMax = 200
const textBytesMax = 1_000_000

/** DuckDB holds the whole answer before any of it is looked at, so that long texts stay with it. */
const heldTextBytesMax = 64_000_000

type Projection = ExecuteInput['projection']
type ScalarColumn = SmallAnswerColumn & { readonly type: ScalarType }

/**
 * Runs the SELECT and makes the file of its answer here, and beside the values the format in which it will be read: to have DuckDB write a file,
 * and to read it again for the format, takes longer than many a query. Undefined where the answer is large, or has values
 * inside of values. `tables` is what `namedTables` says, where the session has no views of them.
 */
export async function readSmallAnswer(
  session: Session,
  input: ExecuteInput,
  formatRows: FormatRows,
  tables = '',
): Promise<SmallAnswer | undefined> {
  const columns = input.small?.columns.filter(isScalarColumn) ?? []
  if (input.small === null || columns.length < input.columnCount || columns.length > columnsMax) return undefined
  const few = await fewRows(session, input, columns, tables)
  if (few === undefined) return undefined
  const { rows, textBytes } = few
  const vectors = columns.map(({ type }, index) =>
    vectorOfValues(
      type,
      rows.map((row) => row[index] ?? null),
    ),
  )
  // The client's decoder of texts drops a byte order mark. Such an answer is for DuckDB to write.
  if (bytesInside(vectors) !== textBytes) return undefined
  const { format } = input.small
  const beside = format === null ? undefined : await formatRows(format, columns, rows)
  const file = writePlainParquet(
    columns.map(({ type }, index) => ({
      name: `c${index}`,
      fieldId: index,
      annotation: annotationOf(type),
      inner: [],
      required: false,
      vector: vectors[index] as FlatVector,
    })),
    rows.length,
    { bounds: false, ...(beside !== undefined && { beside }) },
  )
  const { besideAt: from } = file
  const ready = format === null || beside === undefined ? null : { format, from, to: from + beside.byteLength }
  return { rows: rows.length, bytes: file.bytes, ready }
}

const isScalarColumn = (column: SmallAnswerColumn): column is ScalarColumn => isScalar(column.type)

/** All rows, and how long their texts and bytes are together; undefined where they are many. */
async function fewRows(
  session: Session,
  input: ExecuteInput,
  columns: readonly ScalarColumn[],
  tables: string,
): Promise<{ readonly rows: readonly Row[]; readonly textBytes: number } | undefined> {
  const lengths = columns.flatMap(({ type }, index) => lengthOf(type, input.projection[index]?.expression ?? 'null'))
  const most = Math.min(rowsMax, Math.floor(valuesMax / Math.max(columns.length, 1)))
  // A text may be longer than what this process can hold: each row says how long its own are, and such a one is not there.
  const length = { expression: lengths.map((of) => `coalesce(${of}, 0)`).join(' + '), name: 'length' }
  const held = {
    ...input,
    projection: withoutLongTexts(input.projection, columns, heldTextBytesMax / most / lengths.length),
  }
  const select = selectText(held, lengths.length === 0 ? [] : [length])
  // Read as a whole: streaming costs a small query a fifth more.
  const result = await session.connection.run(`${tables}${select} limit ${most + 1}`)
  const rows: Row[] = []
  let textBytes = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { rows, textBytes }
    const { rowCount } = chunk
    if (rows.length + rowCount > most) return undefined
    if (lengths.length > 0) {
      for (const bytes of chunk.getColumnValues(columns.length)) textBytes += Number(bytes)
      if (textBytes > textBytesMax) return undefined
    }
    const vectors = columns.map((_, index) => chunk.getColumnVector(index))
    for (let row = 0; row < rowCount; row += 1) rows.push(vectors.map((vector) => vector.getItem(row)))
  }
}

function lengthOf({ kind }: ScalarType, expression: string): string[] {
  if (kind === 'varbinary') return [`octet_length(${expression})`]
  return kind === 'varchar' || kind === 'json' ? [`strlen(${expression})`] : []
}

/** Null in place of texts and bytes that are longer: by the sum of lengths it is seen that they are missing. */
function withoutLongTexts(projection: Projection, columns: readonly ScalarColumn[], bytesMax: number): Projection {
  return projection.map(({ expression, name }, index) => {
    const [length] = lengthOf((columns[index] as ScalarColumn).type, expression)
    if (length === undefined) return { expression, name }
    return { expression: `case when ${length} <= ${Math.floor(bytesMax)} then ${expression} end`, name }
  })
}

function bytesInside(vectors: readonly FlatVector[]): number {
  return vectors.reduce((sum, vector) => sum + (vector.kind === 'bytes' ? vector.data.byteLength : 0), 0)
}
