import { AppError, must } from '../base/errors.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Job, Jobs } from '../jobs/jobs.ts'
import { finishedStates } from '../jobs/jobs.ts'
import type { BareFormat, Deliver, ResultFormat } from './deliver.ts'
import { resultMediaTypes } from './deliver.ts'
import type { ExportJobInput } from './exports/export-job.ts'
import { exportJobKind } from './exports/export-job.ts'
import { resultJobKind } from './result-job.ts'
import type { ResultJobInput } from './result-job.ts'
import { formattedKey, notReady, storedResult } from './stored-result.ts'

export interface DeliverOptions {
  readonly jobs: Jobs
  readonly objects: ObjectStore
  /** How long a request may wait for a format that is not made yet. */
  readonly waitMsMax: number
}

export function openDeliver({ jobs, objects, waitMsMax }: DeliverOptions): Deliver {
  return {
    knownBytes: async (job, format) => await objects.size(formattedKey(storedResult(job), format)),
    async exportResult({ accountId, userId }, query, delivery) {
      storedResult(query)
      const input: ExportJobInput = { queryJobId: query.id, delivery }
      return (await jobs.submit({ accountId, userId, kind: exportJobKind, input })).job
    },
    async result(job, format, options = {}) {
      const stored = storedResult(job)
      const key = formattedKey(stored, format)
      let bytes = await objects.size(key)
      if (bytes === undefined) {
        if ((await objects.size(stored.resultKey)) === undefined) throw expired(job)
        await makeFormat(jobs, job, format, Math.min(options.waitMsMax ?? waitMsMax, waitMsMax))
        bytes = must(await objects.size(key), `the object ${key} that a job made`)
      }
      return {
        contentType: contentType(format),
        bytes,
        etag: `"${job.id}-${format}-${bytes}"`,
        stream: (range) => objects.stream(key, range),
      }
    },
  }
}

/** Has the format made by a job, one for all who ask. A job of the past that failed, or whose object went, is followed by another. */
async function makeFormat(jobs: Jobs, query: Job, format: ResultFormat | BareFormat, waitMsMax: number): Promise<void> {
  const input: ResultJobInput = { queryJobId: query.id, format }
  const owner = { accountId: query.accountId, userId: query.userId }
  let uniqueKey = `${query.id}:${format}`
  for (;;) {
    const submitted = await jobs.submit({ ...owner, kind: resultJobKind, input, uniqueKey })
    const isOfThePast = submitted.existing && finishedStates.has(submitted.job.state)
    if (!isOfThePast) return finish(await jobs.wait(query.accountId, submitted.job.id, waitMsMax), format)
    uniqueKey = `${query.id}:${format}:after:${submitted.job.id}`
  }
}

function finish(job: Job, format: ResultFormat | BareFormat): void {
  if (job.state === 'success') return
  if (!finishedStates.has(job.state))
    throw notReady(`The result is still being written as ${format}, by job ${job.id}.`)
  if (job.error !== null) throw AppError.fromRecord(job.error)
  throw new AppError('result_not_ready', `Writing the result as ${format} was ended: job ${job.id} is ${job.state}.`, {
    hint: 'Ask again to start anew.',
    retryAfterSeconds: 1,
  })
}

function expired(job: Job): AppError {
  return new AppError('result_expired', `The result of job ${job.id} is not stored any more.`, {
    hint: 'Submit the query again.',
  })
}

function contentType(format: ResultFormat | BareFormat): string {
  const mediaType = resultMediaTypes[format]
  return mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType
}
