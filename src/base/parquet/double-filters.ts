import type { Disk, DiskFile } from '../disk.ts'
import { ByteSink } from './byte-sink.ts'
import type { CopyRules, StructRules } from './copy-thrift.ts'
import { ThriftCopier } from './copy-thrift.ts'
import { magic, trailerBytes } from './footer.ts'

// DuckDB hashes doubles for bloom filters by their bits, and asks them by the bits of what is searched: `d = 0.0` passes over the row
// groups that have -0.0, which is equal, and `d = 'nan'` over those with a NaN of other bits. SQL asks by value.

/** Physical types of parquet.thrift. */
const [float, double] = [4, 5]

/** Copies ColumnMetaData by the rules, and without the place and the length of its bloom filter where its values are floating. */
export function withoutDoubleFilter(rules: CopyRules): StructRules {
  return {
    choose(numberOf) {
      const type = numberOf(1)
      return type === float || type === double ? { ...rules, 14: 'omit', 15: 'omit' } : rules
    },
  }
}

/** FileMetaData, its row groups, their columns. */
const footerRules: CopyRules = { 4: { 1: { 3: withoutDoubleFilter({}) } } }

/**
 * Has the footer of a file that DuckDB wrote forget the bloom filters of floating columns. The filters stay where they are, and so do the
 * size of the file and all places in it: a footer that became shorter begins later, and nothing refers to the bytes ahead of it.
 */
export async function forgetDoubleFilters(disk: Disk, path: string): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await rewriteFooter(file, path)
  } finally {
    await file.close()
  }
}

async function rewriteFooter(file: DiskFile, path: string): Promise<void> {
  const end = (await file.size()) - trailerBytes
  const trailer = await file.read(end, trailerBytes)
  if (!trailer.subarray(4).equals(magic)) throw new Error(`${path} does not end as Parquet files do`)
  const length = trailer.readUInt32LE()
  const footer = await file.read(end - length, length)
  const sink = new ByteSink(length)
  new ThriftCopier(footer).copyStruct(sink, footerRules)
  if (sink.length === length) return
  trailer.writeUInt32LE(sink.length)
  await file.writeAll([sink.written(), trailer], end - sink.length)
}
