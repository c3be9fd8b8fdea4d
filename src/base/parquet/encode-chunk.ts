import { must } from '../errors.ts'
import { boundBytes } from './bounds.ts'
import { ByteSink } from './byte-sink.ts'
import type { ColumnChunkFacts } from './footer.ts'
import { codecs, encodings, putBloomFilterHeader, putDictionaryHeader, putPageHeader } from './footer.ts'
import type { LeafSource } from './leaves.ts'
import { putPackedBits } from './levels.ts'
import type { Cells } from './native-cells.ts'
import { boundsOf, loadCells } from './native-cells.ts'
import type { NativeEncoder } from './native-encoder.ts'
import { putVarint } from './thrift-compact.ts'
import type { FlatVector } from './vectors.ts'
import type { ParquetVersion } from './version.ts'

export interface EncodedChunk {
  /** Places are those in the sink. */
  readonly facts: ColumnChunkFacts
  /** The least and the greatest value; undefined where there is none. */
  readonly bounds: FlatVector | undefined
  /** Of doubles: whether there is NaN among them. */
  readonly hasNan: boolean
}

/** Bytes in the encoder's memory. */
interface Range {
  readonly at: number
  readonly end: number
}

/** A page, not compressed yet: one of levels and values, or one of a dictionary's entries. */
interface Page extends Range {
  readonly encoding: number
}

interface Dictionary {
  /** Places of the entries among the values. */
  readonly entries: number
  readonly count: number
  readonly page: Page
}

const lengthOf = ({ at, end }: Range): number => end - at

/** A chunk is compressed where that leaves less than this part of it: readers gain nothing by less. */
const compressedShareMax = 7 / 8

/** A dictionary has at most one entry to so many values: with more, it takes as much as it saves. */
const valuesPerEntry = 4

/** Whole numbers that take fewer bits than this when only their differences are kept need no dictionary. */
const narrowBits = 2

/** DELTA_BINARY_PACKED works on so many values at a time. */
const blockValues = 128

/** Writes the rows from `from` to `to` as a column chunk: at most a page for a dictionary, and one for the values. */
export function encodeChunk(
  native: NativeEncoder,
  sink: ByteSink,
  source: LeafSource,
  { from, to, version }: { readonly from: number; readonly to: number; readonly version: ParquetVersion },
): EncodedChunk {
  native.clear()
  const levels = new ByteSink(0)
  const slots = source.putLevels(levels, from, to)
  const cells = loadCells(native, source.vector, source.valueIndex(from), source.valueIndex(to))
  const { page, dictionary } = encodeCells(native, levels, cells, version)
  const bounds = boundsOf(native, cells, dictionary?.entries ?? 0, dictionary?.count ?? cells.count)
  // It is known since the bounds were looked for. They leave NaN out, and DuckDB takes them for those of all values.
  const hasNan = cells.kind === 'double' && cells.count > 0 && native.run.hasNan.value !== 0
  const stated = hasNan ? undefined : bounds
  const written = putPages(native, sink, { page, ...(dictionary && { dictionary }), slots })
  return {
    facts: {
      leaf: source.leaf,
      valueCount: slots,
      nullCount: slots - cells.count,
      ...written,
      // Zeros of either sign are the same to readers, and so are all NaN, but their bits and hashes are not.
      bloomFilter: cells.kind === 'double' ? undefined : dictionary && putBloomFilter(native, sink, cells, dictionary),
      min: stated && boundBytes(stated, 0, 'min'),
      max: stated && boundBytes(stated, 1, 'max'),
    },
    bounds,
    hasNan,
  }
}

/** A dictionary where there are few different values, else what suits the type. */
function encodeCells(native: NativeEncoder, levels: ByteSink, cells: Cells, version: ParquetVersion): Encoded {
  const isWhole = cells.kind === 'int32' || cells.kind === 'int64'
  const deltas = isWhole && version === 'v2' ? deltaPage(native, levels, cells) : undefined
  if (deltas !== undefined && lengthOf(deltas) * 8 <= cells.count * narrowBits) return { page: deltas }
  const found = findDictionary(native, levels, cells, version)
  if (found !== undefined && isSmaller(found, deltas)) return found
  if (deltas !== undefined) return { page: deltas }
  const isText = cells.kind === 'bytes' && version === 'v2'
  return { page: isText ? textPage(native, levels, cells) : plainPage(native, levels, cells) }
}

interface Encoded {
  readonly page: Page
  readonly dictionary?: Dictionary
}

function isSmaller({ page, dictionary }: Required<Encoded>, other: Page | undefined): boolean {
  return other === undefined || lengthOf(page) + lengthOf(dictionary.page) < lengthOf(other)
}

/** Begins a page, which has room for `bytes` behind its levels. */
function beginPage(native: NativeEncoder, levels: ByteSink, bytes: number): Range {
  const at = native.take(levels.length + bytes)
  native.bytes.set(levels.written(), at)
  return { at, end: at + levels.length }
}

function plainPage(native: NativeEncoder, levels: ByteSink, cells: Cells): Page {
  const { kind, count, data, bytes } = cells
  const encoding = encodings.plain
  if (kind === 'bytes') {
    const { at, end } = beginPage(native, levels, bytes + count * 4)
    return { at, end: native.run.putTexts(cells.offsets, data, 0, count, end), encoding }
  }
  const { at, end } = beginPage(native, levels, bytes)
  if (kind === 'boolean') {
    const packed = new ByteSink(count >> 3)
    putPackedBits(packed, native.bytes.subarray(data, data + count), 0, count)
    native.bytes.set(packed.written(), end)
    return { at, end: end + packed.length, encoding }
  }
  native.bytes.copyWithin(end, data, data + bytes)
  return { at, end: end + bytes, encoding }
}

/** Whole numbers by their differences. */
function deltaPage(native: NativeEncoder, levels: ByteSink, { data, width, count }: Cells): Page {
  const scratch = native.take(blockValues * 8)
  const { at, end } = beginPage(native, levels, deltaBytesMax(count, width))
  return { at, end: native.run.packNumbers(data, width, count, scratch, end), encoding: encodings.deltaBinaryPacked }
}

/** Texts one behind the other, after the lengths of all. */
function textPage(native: NativeEncoder, levels: ByteSink, { count, offsets, data, bytes }: Cells): Page {
  const scratch = native.take(blockValues * 8)
  const lengths = native.take(count * 4)
  const { at, end } = beginPage(native, levels, deltaBytesMax(count, 4) + bytes)
  const textsAt = native.run.packTextLengths(offsets, count, lengths, scratch, end)
  const first = data + new DataView(native.bytes.buffer).getUint32(offsets, true)
  native.bytes.copyWithin(textsAt, first, first + bytes)
  return { at, end: textsAt + bytes, encoding: encodings.deltaLengthByteArray }
}

/** Each block has its least difference, and each of its parts a byte. */
function deltaBytesMax(count: number, width: number): number {
  return count * (width + 1) + blockValues * 16
}

/** What the pages of places and of entries are called, which lie alike in both versions (Encodings.md, "Dictionary Encoding"). */
const dictionaryEncodings = {
  v1: [encodings.plainDictionary, encodings.plainDictionary],
  v2: [encodings.rleDictionary, encodings.plain],
} as const

/** Undefined where there are too many different values. */
function findDictionary(
  native: NativeEncoder,
  levels: ByteSink,
  cells: Cells,
  version: ParquetVersion,
): Required<Encoded> | undefined {
  const { kind, count, width, data, offsets, bytes } = cells
  const most = Math.floor(count / valuesPerEntry)
  if (most === 0 || kind === 'boolean' || kind === 'fixed') return undefined
  const slots = 2 ** Math.ceil(Math.log2(most * 2))
  const [numbers, entries, table] = [native.take(count * 4), native.take(most * 4), native.takeZeros(slots * 8)]
  const { run } = native
  const found =
    kind === 'bytes'
      ? run.textDictionary(offsets, data, count, numbers, entries, most, table, slots)
      : run.numberDictionary(data, width, count, numbers, entries, most, table, slots)
  if (found === 0) return undefined
  const places = placesPage(native, levels, { numbers, count, entries: found })
  const page = entriesPage(native, cells, { entries, count: found, bytes })
  const [ofPlaces, ofEntries] = dictionaryEncodings[version]
  return {
    page: { ...places, encoding: ofPlaces },
    dictionary: { entries, count: found, page: { ...page, encoding: ofEntries } },
  }
}

/** The number of each value's entry: after their width, one run of equal ones, or one of packed ones. */
function placesPage(
  native: NativeEncoder,
  levels: ByteSink,
  { numbers, count, entries }: { readonly numbers: number; readonly count: number; readonly entries: number },
): Range {
  const width = 32 - Math.clz32(entries - 1)
  const { at, end } = beginPage(native, levels, Math.ceil(count / 8) * width + 16)
  native.bytes[end] = width
  if (width > 0) return { at, end: native.run.packPlaces(numbers, count, width, end + 1) }
  const repeated = new ByteSink(0)
  putVarint(repeated, count * 2)
  native.bytes.set(repeated.written(), end + 1)
  return { at, end: end + 1 + repeated.length }
}

/** The entries in PLAIN encoding. */
function entriesPage(
  native: NativeEncoder,
  { kind, width, data, offsets }: Cells,
  { entries, count, bytes }: { readonly entries: number; readonly count: number; readonly bytes: number },
): Range {
  if (kind === 'bytes') {
    const at = native.take(bytes + count * 4)
    return { at, end: native.run.putTexts(offsets, data, entries, count, at) }
  }
  const at = native.take(count * width)
  return { at, end: native.run.putValues(data, width, entries, count, at) }
}

interface Pages extends Encoded {
  readonly slots: number
}

type WrittenPages = Pick<
  ColumnChunkFacts,
  'encodings' | 'codec' | 'dictionaryPageOffset' | 'dataPageOffset' | 'bytes' | 'plainBytes'
>

/** Writes the pages behind their headers, and compresses them if that is of use. */
function putPages(native: NativeEncoder, sink: ByteSink, { page, dictionary, slots }: Pages): WrittenPages {
  const ranges = dictionary === undefined ? [page] : [page, dictionary.page]
  const compressed = ranges.map((range) => compress(native, range))
  const isWorth = sumOf(compressed) < sumOf(ranges) * compressedShareMax
  const [data, entries] = (isWorth ? compressed : ranges).map((range) => native.bytes.subarray(range.at, range.end))
  const from = sink.length
  let headerBytes = 0
  if (dictionary !== undefined && entries !== undefined) {
    const { page: own, count } = dictionary
    putDictionaryHeader(sink, {
      bytes: entries.length,
      plainBytes: lengthOf(own),
      valueCount: count,
      encoding: own.encoding,
    })
    headerBytes = sink.length - from
    sink.append(entries)
  }
  const dataPageOffset = sink.length
  const bytes = must(data, 'there is a page of values')
  putPageHeader(sink, { bytes: bytes.length, plainBytes: lengthOf(page), valueCount: slots, encoding: page.encoding })
  headerBytes += sink.length - dataPageOffset
  sink.append(bytes)
  return {
    encodings: [
      ...new Set([page.encoding, encodings.rle, ...(dictionary === undefined ? [] : [dictionary.page.encoding])]),
    ],
    codec: isWorth ? codecs.snappy : codecs.none,
    ...(dictionary !== undefined && { dictionaryPageOffset: from }),
    dataPageOffset,
    bytes: sink.length - from,
    plainBytes: headerBytes + sumOf(ranges),
  }
}

function sumOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + lengthOf(range), 0)
}

function compress(native: NativeEncoder, { at, end }: Range): Range {
  const target = native.take(32 + Math.ceil(((end - at) * 7) / 6))
  return { at: target, end: native.run.compress(at, end - at, target) }
}

/** A block has 256 bits: with ten for an entry, one value in a hundred that is not there is looked for in vain. */
const entriesPerBlock = 256 / 10

/** By which readers pass over a row group that has not the value they look for, even if it is within the bounds. */
function putBloomFilter(
  native: NativeEncoder,
  sink: ByteSink,
  { width, data, offsets }: Cells,
  { entries, count }: Dictionary,
): ColumnChunkFacts['bloomFilter'] {
  // Some readers take powers of two only.
  const blocks = 2 ** Math.max(0, Math.ceil(Math.log2(count / entriesPerBlock)))
  const filter = native.takeZeros(blocks * 32)
  native.run.fillBloomFilter(offsets, data, width, entries, count, filter, blocks)
  const offset = sink.length
  putBloomFilterHeader(sink, blocks * 32)
  sink.append(native.bytes.subarray(filter, filter + blocks * 32))
  return { offset, bytes: sink.length - offset }
}
