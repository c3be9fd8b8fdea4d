import { AppError } from '../base/errors.ts'
import type { Job } from '../jobs/jobs.ts'
import { finishedStates } from '../jobs/jobs.ts'
import type { LogicalType } from '../store/types.ts'
import type { BareFormat, ResultFormat } from './deliver.ts'

export interface StoredColumn {
  readonly name: string
  readonly type: LogicalType
}

/** What deliver reads of the output of a finished query job: Parquet whose columns are named c0, c1 … in order. */
export interface StoredResult {
  readonly columns: readonly StoredColumn[]
  /** Of the object that it is, unless it is `inline`. Objects of other formats that are made of it are named after it all the same. */
  readonly resultKey: string
  /** All of a small one, in base64, which lies with the job then. */
  readonly inline?: string
  /** The job of the past that made it; absent of one that is being made. */
  readonly madeBy?: number
  /** Where in the stored result it lies in another format, from, inclusive, to, exclusive. */
  readonly ready?: { readonly format: string; readonly from: number; readonly to: number }
}

/** The same, of a statement that may have no rows to give. */
export type ResultOutput = Omit<StoredResult, 'resultKey' | 'madeBy'> & { readonly resultKey: string | null }

/** Of the jobs that have results: interactive queries, and those of batches. */
const queryKinds: ReadonlySet<string> = new Set(['query', 'batch'])

/** The result of the job as it is stored, or why there is none. */
export function storedResult(job: Job): StoredResult {
  if (!queryKinds.has(job.kind)) throw noResult(`Job ${job.id} is of the kind “${job.kind}”, which makes no result.`)
  if (!finishedStates.has(job.state)) throw notReady(`Job ${job.id} is not finished: its state is “${job.state}”.`)
  if (job.state !== 'success') throw endOf(job)
  const result = givenResult(job.output as ResultOutput)
  if (result === undefined) throw noResult(`The statement of job ${job.id} has no rows to give.`)
  return { ...result, madeBy: job.id }
}

/** The result that a query has given; undefined for a statement that has no rows to give. */
export function givenResult({ columns, resultKey, inline, ready }: ResultOutput): StoredResult | undefined {
  if (resultKey === null) return undefined
  return { columns, resultKey, ...(inline !== undefined && { inline }), ...(ready !== undefined && { ready }) }
}

function endOf(job: Job): AppError {
  if (job.error !== null) return AppError.fromRecord(job.error)
  if (job.state === 'killed')
    return new AppError('job_killed', `Job ${job.id} was killed before it had a result.`, {
      hint: 'Submit the query again.',
    })
  return noResult(`Job ${job.id} ended in the state “${job.state}”.`)
}

function noResult(message: string): AppError {
  return new AppError('result_not_found', message, { hint: 'Only queries that succeeded have a result.' })
}

export function notReady(message: string): AppError {
  return new AppError('result_not_ready', message, {
    hint: 'Ask again, or wait for the job first: `GET /api/v1/jobs/{job}?wait=60`.',
    retryAfterSeconds: 1,
  })
}

/** The object with the result is gone. */
export function resultExpired(jobId: number, cause?: unknown): AppError {
  return new AppError('result_expired', `The result of job ${jobId} is not stored any more.`, {
    hint: 'Submit the query again.',
    cause,
  })
}

/**
 * Where the result lies in a format: beside the stored one that it was made of, of which each attempt has its own, and in the same
 * directory, since making another for each durable would take longer than writing most results.
 */
export function formattedKey(
  { resultKey }: Pick<StoredResult, 'resultKey'>,
  format: ResultFormat | BareFormat,
): string {
  return `${resultKey.replace(/\.parquet$/, '')}-as.${format}`
}
