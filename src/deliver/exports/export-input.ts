import type { CopiedFile } from '../../base/duckdb/copied-file.ts'

/** The name of the engine task that writes a result as a file of a table. */
export const exportTask = 'result.export'

export interface ExportInput {
  /** The stored result, Parquet whose columns are c0, c1 … */
  readonly source: string
  /** The file that is made. */
  readonly path: string
  /** SQL over c0, c1 … with the names of the columns of the file. */
  readonly projection: readonly { readonly expression: string; readonly name: string }[]
  readonly columnCount: number
  /** The value of FIELD_IDS. */
  readonly fieldIds: string
  readonly memoryBytes: number
}

export type ExportOutput = CopiedFile
