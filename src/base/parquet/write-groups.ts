import { assert, must } from '../errors.ts'
import { boundText, findBounds } from './bounds.ts'
import { ByteSink } from './byte-sink.ts'
import { encodeColumn } from './encode-rows.ts'
import type { EncodedColumn, EncodedGroup } from './encode-rows.ts'
import type { ColumnChunkFacts, RowGroupFacts } from './footer.ts'
import { magic, putFooter } from './footer.ts'
import { leafSources } from './leaves.ts'
import type { NativeEncoder } from './native-encoder.ts'
import type { FlatVector, ParquetColumn } from './vectors.ts'
import { emptyOf, isFlat, valuesOf } from './vectors.ts'
import type { ParquetVersion } from './version.ts'
import type { PlainColumnFacts } from './write-plain.ts'

export interface GroupsFile {
  /** One behind the other, they are the file. */
  readonly parts: readonly Uint8Array[]
  readonly rows: number
  readonly bytes: number
  /** By field id of the top-level columns. */
  readonly columns: Readonly<Record<number, PlainColumnFacts>>
}

/** Makes a file of row groups, each of which has some of the columns. Of the columns' vectors, only the shape counts. */
export function writeGroups(
  native: NativeEncoder,
  groups: readonly EncodedGroup[],
  columns: readonly ParquetColumn[],
  version: ParquetVersion,
): GroupsFile {
  const parts: Uint8Array[] = [magic]
  let at = magic.length
  const facts: RowGroupFacts[] = []
  const whole = groups.map((group) => withAllColumns(native, group, columns, version))
  for (const { rows, parts: bytes, columns: encoded } of whole) {
    facts.push({ rows, columns: encoded.flatMap(({ chunks }) => chunks.map((chunk) => movedBy(at, chunk))) })
    parts.push(...bytes)
    at += bytes.reduce((sum, { length }) => sum + length, 0)
  }
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  const footer = new ByteSink(4096)
  putFooter(footer, columns, { groups: facts, rows, version })
  parts.push(footer.written())
  const known = columns.map((column, index) => {
    return [
      column.fieldId,
      columnFacts(
        column,
        whole.map((group) => must(group.columns[index], 'every group has all columns')),
      ),
    ] as const
  })
  return { parts, rows, bytes: at + footer.length, columns: Object.fromEntries(known) }
}

interface WholeGroup {
  readonly rows: number
  readonly parts: readonly Uint8Array[]
  readonly columns: readonly EncodedColumn[]
}

/** A column that came up later is null in the rows before. */
function withAllColumns(
  native: NativeEncoder,
  { rows, bytes, columns: present }: EncodedGroup,
  columns: readonly ParquetColumn[],
  version: ParquetVersion,
): WholeGroup {
  const absent = new ByteSink(0)
  const all = columns.map((column) => {
    const encoded = present.get(column.fieldId)
    if (encoded !== undefined) return encoded
    const nulls = {
      ...column,
      vector: { kind: 'sparse', rows: new Uint32Array(0), values: emptyOf(column.vector) },
    } as const
    const leaves = leafSources(nulls)
    const { chunks, ...rest } = encodeColumn(native, absent, { column: nulls, leaves, from: 0, to: rows, version })
    return { ...rest, chunks: chunks.map((chunk) => movedBy(bytes.length, chunk)) }
  })
  return { rows, parts: [bytes, absent.written()], columns: all }
}

function movedBy(shift: number, chunk: ColumnChunkFacts): ColumnChunkFacts {
  const { dataPageOffset, dictionaryPageOffset, bloomFilter } = chunk
  return {
    ...chunk,
    dataPageOffset: dataPageOffset + shift,
    ...(dictionaryPageOffset !== undefined && { dictionaryPageOffset: dictionaryPageOffset + shift }),
    ...(bloomFilter !== undefined && { bloomFilter: { ...bloomFilter, offset: bloomFilter.offset + shift } }),
  }
}

function columnFacts({ annotation, vector }: ParquetColumn, groups: readonly EncodedColumn[]): PlainColumnFacts {
  const values = valuesOf(vector)
  const bounds = isFlat(values) ? joinedBounds(groups.flatMap((group) => group.bounds ?? [])) : undefined
  const found = bounds && findBounds(bounds, 0, bounds.valid.length)
  const min = bounds && found && boundText(bounds, found.min, annotation)
  const max = bounds && found && boundText(bounds, found.max, annotation)
  return {
    bytes: groups.reduce((sum, { chunks }) => sum + chunks.reduce((bytes, chunk) => bytes + chunk.bytes, 0), 0),
    nulls: groups.reduce((sum, { nulls }) => sum + nulls, 0),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(values.kind === 'double' && { nan: groups.some(({ hasNan }) => hasNan === true) }),
  }
}

/** The bounds of several row groups as one vector: all are of the same kind. */
function joinedBounds(parts: readonly FlatVector[]): FlatVector | undefined {
  const [first, ...others] = parts
  return first && others.reduce(joinedPair, first)
}

function joinedPair(one: FlatVector, two: FlatVector): FlatVector {
  const valid = new Uint8Array(one.valid.length + two.valid.length).fill(1)
  if (one.kind === 'bytes' && two.kind === 'bytes') {
    const data = Buffer.concat([one.data, two.data])
    const ends = [...two.offsets.subarray(1)].map((end) => end + one.data.length)
    return { kind: 'bytes', valid, offsets: Uint32Array.of(...one.offsets, ...ends), data }
  }
  if (one.kind === 'fixed' && two.kind === 'fixed') return { ...one, valid, data: Buffer.concat([one.data, two.data]) }
  if (one.kind === 'boolean' && two.kind === 'boolean') {
    return { kind: one.kind, valid, values: Uint8Array.of(...one.values, ...two.values) }
  }
  if (one.kind === 'int32' && two.kind === 'int32') {
    return { kind: one.kind, valid, values: Int32Array.of(...one.values, ...two.values) }
  }
  if (one.kind === 'int64' && two.kind === 'int64') {
    return { kind: one.kind, valid, values: BigInt64Array.of(...one.values, ...two.values) }
  }
  assert(one.kind === 'double' && two.kind === 'double', 'a column has values of one kind')
  return { kind: one.kind, valid, values: Float64Array.of(...one.values, ...two.values) }
}
