import type { CopiedFile } from '../../base/duckdb/copied-file.ts'
import type { QueryColumn } from '../columns.ts'
import type { ScannedFiles } from './projection.ts'

/** What jobs that restate chunks ask of engine processes, and what these answer: plain data. */
export const restateTask = 'store.restate'

export interface RestateInput extends ScannedFiles {
  /** Of the files, in their order: what their bytes have to have, where it is known. */
  readonly checksums: readonly (number | null)[]
  /** The table's columns; the file is written with those of them that may have a value. */
  readonly columns: readonly QueryColumn[]
  /** Names of columns: the order of the rows. */
  readonly sortedBy: readonly string[]
  /** Of all files together, as the catalog has them. */
  readonly rows: number
  /** Where the file is written, and spilled: a directory of this task alone. */
  readonly directory: string
  readonly limits: RestateLimits
}

export interface RestateLimits {
  /** What DuckDB allocates before it spills. */
  readonly memoryBytes: number
  readonly temporaryBytes: number
  readonly threads: number
}

export interface RestateOutput {
  readonly file: CopiedFile
  /** Field ids of the columns in the file. */
  readonly fieldIds: readonly number[]
}
