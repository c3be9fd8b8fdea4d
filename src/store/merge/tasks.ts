import type { CopiedFile } from '../../base/duckdb/copied-file.ts'
import type { SummedFile } from '../sound-files.ts'
import type { Column, Layer, NewChunk } from '../store.ts'

/** What merges ask of engine processes, and what these answer: plain data. */
export const mergeTask = 'store.merge'

export interface MergeInput {
  /** Of the chunks, in order of time. */
  readonly files: readonly MergedFile[]
  /** The table's columns, under names that SQL tells apart; files are written with those that any of the inputs has. */
  readonly columns: readonly Column[]
  /** Names of columns: the order of the rows. */
  readonly sortedBy: readonly string[]
  /** Archive files are cut by hours and size; a realtime file is one. */
  readonly layer: Layer
  /** How many of the files may stay as they are. */
  readonly unchangedMax: number
  /** Where files are written, and spilled: a directory of this merge alone. */
  readonly directory: string
  readonly limits: MergeLimits
}

/** The file of a chunk, with what the catalog says of it. One without a checksum is never joined as it is. */
export interface MergedFile extends SummedFile {
  readonly rows: number
  readonly bytes: number
  /** Field ids of its columns of doubles that are known to have no NaN. */
  readonly withoutNan: readonly number[]
}

export interface MergeLimits {
  /** What DuckDB allocates before it spills. */
  readonly memoryBytes: number
  readonly temporaryBytes: number
  readonly threads: number
}

/** What came of a merge: every input is in one of its parts, as it is or with its rows written anew, or stays where it is. */
export interface MergeOutput {
  readonly joined: readonly JoinedFile[]
  readonly written: readonly WrittenFiles[]
  /** The indexes of the inputs that stay. */
  readonly unchanged: readonly number[]
}

/** A file in which inputs lie as they are, and in their order. */
export interface JoinedFile {
  readonly path: string
  readonly bytes: number
  /** The indexes of the inputs. */
  readonly inputs: readonly number[]
  readonly known: Pick<NewChunk, 'timeRange' | 'rows' | 'statistics'>
}

/** Files in which rows were written anew. */
export interface WrittenFiles {
  readonly files: readonly CopiedFile[]
  /** Field ids of the columns in the files. */
  readonly fieldIds: readonly number[]
}
