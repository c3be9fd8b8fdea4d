import type { BareFormat, ResultFormat } from './deliver.ts'
import type { StoredColumn } from './stored-result.ts'

/** The name of the engine task that writes a result in a format. */
export const formatTask = 'result.format'

export interface FormatInput {
  /** The stored result, Parquet. */
  readonly source: string
  /** The file that is made. */
  readonly path: string
  readonly format: ResultFormat | BareFormat
  readonly columns: readonly StoredColumn[]
  readonly memoryBytes: number
  readonly outputBytesMax: number
}

export interface FormatOutput {
  readonly rows: number
  readonly bytes: number
}

/** What the task tells of itself on its way. */
export interface FormatProgress {
  readonly rows: number
}
