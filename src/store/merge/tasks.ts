import type { CopiedFile } from '../../base/duckdb/copied-file.ts'
import type { Column, Layer, NewChunk } from '../store.ts'

/** What merges ask of engine processes, and what these answer: plain data. */
export const mergeTask = 'store.merge'

export interface MergeInput {
  /** Paths of the chunks' files. */
  readonly files: readonly string[]
  /** Of each file, as the catalog has it; without them, files are written anew and never joined as they are. */
  readonly checksums?: readonly (number | null)[]
  /** Field ids of columns of doubles of which none of the files has a NaN. */
  readonly withoutNan?: readonly number[]
  /** The table's columns, under names that SQL tells apart; files are written with those that any of the inputs has. */
  readonly columns: readonly Column[]
  /** Names of columns: the order of the rows. */
  readonly sortedBy: readonly string[]
  /** Archive files are cut by hours and size; a realtime file is one. */
  readonly layer: Layer
  /** Of all inputs together, as the catalog has them. */
  readonly rows: number
  readonly bytes: number
  /** Where files are written, and spilled: a directory of this merge alone. */
  readonly directory: string
  readonly limits: MergeLimits
}

export interface MergeLimits {
  /** What DuckDB allocates before it spills. */
  readonly memoryBytes: number
  readonly temporaryBytes: number
  readonly threads: number
}

export interface MergeOutput {
  readonly files: readonly CopiedFile[]
  /** Field ids of the columns in the files. */
  readonly fieldIds: readonly number[]
  /** What is known of a file in which the inputs lie as they are, and in their order; absent where rows were written anew. */
  readonly joined?: Pick<NewChunk, 'timeRange' | 'rows' | 'statistics'>
}
