/**
 * What is wrong with a chunk. `missing`, `size`, `checksum` and `unreadable` are damage of its file; `rows`, `time_range` and
 * `statistics` are errors of the catalog about a file that is sound; `local_copy` is one of this machine's cache alone.
 */
export interface Finding {
  readonly what: 'missing' | 'size' | 'checksum' | 'unreadable' | 'rows' | 'time_range' | 'statistics' | 'local_copy'
  readonly detail: string
  /** Where in the file, from 0, where that is known. */
  readonly byte: number | null
  /** How many rows there really are, where they could be counted. */
  readonly rows?: number
}

/**
 * What was done about it: nothing but telling; the file was written anew, and its statistics with it; the merge that had made
 * it was done again; it was taken out of the table; the copy was fetched anew; or the chunk was gone meanwhile.
 */
export type Outcome = 'reported' | 'rewritten' | 'merged_again' | 'set_aside' | 'fetched_anew' | 'gone'

export interface Problem {
  readonly database: string
  readonly table: string
  readonly chunk: string
  readonly objectKey: string
  readonly what: Finding['what']
  readonly detail: string
  readonly byte: number | null
  readonly outcome: Outcome
}

export const isDamage = ({ what }: Finding): boolean => ['missing', 'size', 'checksum', 'unreadable'].includes(what)
