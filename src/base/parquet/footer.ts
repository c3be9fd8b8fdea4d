import type { ByteSink } from './byte-sink.ts'
import type { ThriftStruct } from './thrift-compact.ts'
import { putStruct } from './thrift-compact.ts'
import type { FlatVector, InnerVector, ParquetAnnotation, ParquetColumn } from './vectors.ts'
import { innerVectors, valuesOf } from './vectors.ts'
import type { ParquetVersion } from './version.ts'

// The numbers below are those of parquet.thrift.
export const physicalType = { boolean: 0, int32: 1, int64: 2, double: 5, bytes: 6, fixed: 7 } as const
export const repetition = { required: 0, optional: 1, repeated: 2 } as const
const converted = { utf8: 0, map: 1, list: 3, decimal: 5, date: 6, timestampMicros: 10 } as const
const logical = { string: 1, map: 2, list: 3, decimal: 5, date: 6, timestamp: 8 } as const
const timeUnitMicros = 2
export const encodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  rleDictionary: 8,
} as const
export const codecs = { none: 0, snappy: 1 } as const
const pageType = { data: 0, dictionary: 2 } as const

/** One column of primitive values, as a row group stores it. */
export interface Leaf {
  readonly path: readonly string[]
  readonly physical: number
}

export interface ColumnChunkFacts {
  readonly leaf: Leaf
  /** Nulls are counted, and so are arrays and maps without anything inside. */
  readonly valueCount: number
  readonly nullCount: number
  readonly encodings: readonly number[]
  readonly codec: number
  readonly dictionaryPageOffset?: number
  readonly dataPageOffset: number
  /** With the headers of the pages. */
  readonly bytes: number
  /** As `bytes`, if nothing were compressed. */
  readonly plainBytes: number
  readonly bloomFilter?: { readonly offset: number; readonly bytes: number } | undefined
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
}

export interface RowGroupFacts {
  readonly rows: number
  readonly columns: readonly ColumnChunkFacts[]
}

export interface FileFacts {
  readonly groups: readonly RowGroupFacts[]
  readonly rows: number
  readonly version: ParquetVersion
}

/** Begins and ends a file. */
export const magic = Buffer.from('PAR1')

/** Behind the footer: its length, and the magic. */
export const trailerBytes = 8

/** By this name, files tell that no other library wrote them. */
export const ownWriter = 'biwa'

interface PageFacts {
  /** Of the page as it is in the file, behind its header. */
  readonly bytes: number
  readonly plainBytes: number
  readonly valueCount: number
  readonly encoding: number
}

/** Writes the header of a data page of version 1 whose levels are RLE. */
export function putPageHeader(sink: ByteSink, { bytes, plainBytes, valueCount, encoding }: PageFacts): void {
  const { rle } = encodings
  putStruct(sink, (header) => {
    header
      .i32(1, pageType.data)
      .i32(2, plainBytes)
      .i32(3, bytes)
      .struct(5, (page) => page.i32(1, valueCount).i32(2, encoding).i32(3, rle).i32(4, rle))
  })
}

/** Writes the header of a page of entries, which lie as in PLAIN by either name. */
export function putDictionaryHeader(sink: ByteSink, { bytes, plainBytes, valueCount, encoding }: PageFacts): void {
  putStruct(sink, (header) => {
    header
      .i32(1, pageType.dictionary)
      .i32(2, plainBytes)
      .i32(3, bytes)
      .struct(7, (page) => page.i32(1, valueCount).i32(2, encoding))
  })
}

/** Writes the header of a bloom filter: one of split blocks, hashed by XXH64, not compressed. */
export function putBloomFilterHeader(sink: ByteSink, bytes: number): void {
  const first = (union: ThriftStruct): ThriftStruct => union.struct(1, () => {})
  putStruct(sink, (header) => header.i32(1, bytes).struct(2, first).struct(3, first).struct(4, first))
}

/** Ends a file: FileMetaData, its length and the magic. */
export function putFooter(
  sink: ByteSink,
  columns: readonly ParquetColumn[],
  { groups, rows, version }: FileFacts,
): void {
  const from = sink.length
  const schema = columns.flatMap((column) => {
    return schemaElements({ field: column, vector: column.vector, required: column.required })
  })
  const leafCount = schema.filter((element) => element.physical !== undefined).length
  putStruct(sink, (file) => {
    file
      .i32(1, version === 'v1' ? 1 : 2)
      .structs(2, [{ name: 'schema', children: columns.length }, ...schema], putSchemaElement)
      .i64(3, rows)
      .structs(4, groups, putRowGroup)
      .text(6, ownWriter)
      // Readers trust min_value and max_value only where the order is stated: TypeDefinedOrder for every leaf.
      .structs(7, Array.from({ length: leafCount }), (order) => order.struct(1, () => {}))
  })
  sink.uint32(sink.length - from)
  sink.append(magic)
}

interface SchemaElement {
  readonly name: string
  readonly physical?: number
  readonly width?: number
  readonly repetition?: number
  readonly children?: number
  readonly fieldId?: number
  readonly annotation?: ParquetAnnotation | { readonly kind: 'list' | 'map' }
}

/** The elements of a column, depth first. Arrays and maps have the three levels of LogicalTypes.md, "Lists" and "Maps". */
function schemaElements({ field, vector: given, required }: InnerVector): SchemaElement[] {
  const vector = valuesOf(given)
  const { name, fieldId, annotation } = field
  const own = { name, fieldId, repetition: required ? repetition.required : repetition.optional }
  const children = innerVectors(field, vector)
  const inner = children.flatMap(schemaElements)
  const repeated = { repetition: repetition.repeated, children: children.length }
  switch (vector.kind) {
    case 'array':
      return [
        { ...own, children: 1, annotation: { kind: 'list' } },
        { name: repeatedName.array, ...repeated },
        ...inner,
      ]
    case 'map':
      return [{ ...own, children: 1, annotation: { kind: 'map' } }, { name: repeatedName.map, ...repeated }, ...inner]
    case 'row':
      return [{ ...own, children: children.length }, ...inner]
    default:
      return [{ ...own, ...physicalOf(vector), annotation }]
  }
}

/** The names of the middle levels. */
export const repeatedName = { array: 'list', map: 'key_value' } as const

function physicalOf(vector: FlatVector): { physical: number; width?: number } {
  const physical = physicalType[vector.kind]
  return vector.kind === 'fixed' ? { physical, width: vector.width } : { physical }
}

function putSchemaElement(struct: ThriftStruct, element: SchemaElement): void {
  if (element.physical !== undefined) struct.i32(1, element.physical)
  if (element.width !== undefined) struct.i32(2, element.width)
  if (element.repetition !== undefined) struct.i32(3, element.repetition)
  struct.text(4, element.name)
  if (element.children !== undefined) struct.i32(5, element.children)
  putAnnotation(struct, element.annotation, element.fieldId)
}

/** Both forms, the old ConvertedType and the new LogicalType, as LogicalTypes.md asks for ("forward compatibility"). */
function putAnnotation(
  struct: ThriftStruct,
  annotation: SchemaElement['annotation'],
  fieldId: number | undefined,
): void {
  const id = (): ThriftStruct => (fieldId === undefined ? struct : struct.i32(9, fieldId))
  switch (annotation?.kind) {
    case undefined:
    case 'none':
      id()
      return
    case 'string':
      struct.i32(6, converted.utf8)
      id().struct(10, (union) => union.struct(logical.string, () => {}))
      return
    case 'list':
    case 'map': {
      const { kind } = annotation
      struct.i32(6, converted[kind])
      id().struct(10, (union) => union.struct(logical[kind], () => {}))
      return
    }
    case 'date':
      struct.i32(6, converted.date)
      id().struct(10, (union) => union.struct(logical.date, () => {}))
      return
    case 'decimal': {
      const { precision, scale } = annotation
      struct.i32(6, converted.decimal).i32(7, scale).i32(8, precision)
      id().struct(10, (union) => union.struct(logical.decimal, (type) => type.i32(1, scale).i32(2, precision)))
      return
    }
    case 'timestamp_micros':
      struct.i32(6, converted.timestampMicros)
      // Not adjusted to UTC: a timestamp without a zone.
      id().struct(10, (union) =>
        union.struct(logical.timestamp, (type) =>
          type.boolean(1, false).struct(2, (unit) => unit.struct(timeUnitMicros, () => {})),
        ),
      )
  }
}

function putRowGroup(struct: ThriftStruct, group: RowGroupFacts): void {
  const bytes = group.columns.reduce((sum, column) => sum + column.bytes, 0)
  const plainBytes = group.columns.reduce((sum, column) => sum + column.plainBytes, 0)
  const [first] = group.columns
  struct.structs(1, group.columns, putColumnChunk).i64(2, plainBytes).i64(3, group.rows)
  struct.i64(5, first?.dictionaryPageOffset ?? first?.dataPageOffset ?? 0).i64(6, bytes)
}

export function putColumnChunk(struct: ThriftStruct, column: ColumnChunkFacts): void {
  struct.i64(2, 0).struct(3, (meta) => {
    meta
      .i32(1, column.leaf.physical)
      .i32s(2, column.encodings)
      .texts(3, column.leaf.path)
      .i32(4, column.codec)
      .i64(5, column.valueCount)
      .i64(6, column.plainBytes)
      .i64(7, column.bytes)
      .i64(9, column.dataPageOffset)
    if (column.dictionaryPageOffset !== undefined) meta.i64(11, column.dictionaryPageOffset)
    meta.struct(12, (statistics) => {
      statistics.i64(3, column.nullCount)
      if (column.max !== undefined) statistics.binary(5, column.max)
      if (column.min !== undefined) statistics.binary(6, column.min)
    })
    if (column.bloomFilter !== undefined) meta.i64(14, column.bloomFilter.offset).i32(15, column.bloomFilter.bytes)
  })
}
