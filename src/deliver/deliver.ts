import type { Readable } from 'node:stream'

import type { Principal } from '../access/access.ts'
import type { Job } from '../jobs/jobs.ts'

export const resultFormats = ['json', 'ndjson', 'csv', 'tsv', 'parquet', 'msgpack', 'msgpack.gz'] as const
export type ResultFormat = (typeof resultFormats)[number]

/**
 * The rows alone, as Treasure Data delivers them: JSON with an array for each row on a line, and fields without a header. Others than
 * our own formats, so that nobody has to choose among all of them.
 */
export const bareFormats = ['json.rows', 'csv.rows', 'tsv.rows'] as const
export type BareFormat = (typeof bareFormats)[number]

export const resultMediaTypes = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  parquet: 'application/vnd.apache.parquet',
  msgpack: 'application/msgpack',
  'msgpack.gz': 'application/gzip',
  'json.rows': 'application/json',
  'csv.rows': 'text/csv',
  'tsv.rows': 'text/tab-separated-values',
} as const satisfies Readonly<Record<ResultFormat | BareFormat, string>>

/** A result in one format: immutable, so that ranges of it can be fetched in any order and resumed. */
export interface ResultObject {
  readonly contentType: string
  readonly bytes: number
  /** A strong entity tag, with its quotes. */
  readonly etag: string
  /** All of it, where it is small and here already. */
  readonly whole?: Buffer
  /** From, inclusive; to, exclusive. */
  stream(range?: { from: number; to: number }): Promise<Readable>
}

/** A table that a result goes to. */
export interface Delivery {
  readonly database: string
  readonly table: string
  /** The rows come to those that are there, or take their place at once. */
  readonly mode: 'append' | 'replace'
  /** With whose rights, as they are when it is done. */
  readonly principal: Principal
  /** Without what is secret in it. */
  readonly shownAs: string
}

/** The door of deliver: results of queries in the format that is asked for. */
export interface Deliver {
  /**
   * The result of a finished query job. The first request of a format makes the object, as a job; later ones find it, or wait
   * for it as long as they may. Fails with `result_not_ready`, `result_not_found`, `result_expired`, or the error that ended
   * the query.
   */
  result(job: Job, format: ResultFormat | BareFormat, options?: { readonly waitMsMax?: number }): Promise<ResultObject>
  /** The bytes of the result in a format that was made already. */
  knownBytes(job: Job, format: ResultFormat | BareFormat): Promise<number | undefined>
  /**
   * Has the result put into a table by a job, which is answered: once, however often that is tried. Columns go by their names, and new ones
   * are made; rows without a time get that of the query. Fails as `result` does.
   */
  exportResult(principal: Principal, job: Job, delivery: Delivery): Promise<Job>
}
