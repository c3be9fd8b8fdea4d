import type { Column, ColumnStatistics, TimeRange } from '../store.ts'

/** What verification asks of engine processes, and what these answer: plain data. */
export const checkTask = 'store.check'

export interface CheckInput {
  readonly files: readonly CheckedFile[]
  readonly memoryBytes: number
  readonly threads: number
}

/** A file, and what the catalog says of it. */
export interface CheckedFile {
  readonly path: string
  /** The columns of its table, under names that SQL tells apart. */
  readonly columns: readonly Column[]
  readonly rows: number
  readonly timeRange: TimeRange
  readonly statistics: Readonly<Record<number, ColumnStatistics>>
}

/** In what a file and the catalog differ; null where they agree. */
export interface CheckFinding {
  /** `unreadable` is the file's fault; with the others the catalog is wrong about a file that can be read. */
  readonly what: 'unreadable' | 'rows' | 'time_range' | 'statistics'
  readonly detail: string
  /** How many there really are; null where the file cannot be read. */
  readonly rows: number | null
}

export interface CheckOutput {
  /** One for each file of the input. */
  readonly findings: readonly (CheckFinding | null)[]
}
