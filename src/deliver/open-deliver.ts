import { Readable } from 'node:stream'

import { AppError, isAppError, must } from '../base/errors.ts'
import type { ByteRange, ObjectStore } from '../base/objects/objects.ts'
import type { Job, Jobs } from '../jobs/jobs.ts'
import { finishedStates } from '../jobs/jobs.ts'
import type { BareFormat, Deliver, ResultFormat, ResultObject } from './deliver.ts'
import { resultMediaTypes } from './deliver.ts'
import type { ExportJobInput } from './exports/export-job.ts'
import { exportJobKind } from './exports/export-job.ts'
import { resultJobKind } from './result-job.ts'
import type { ResultJobInput } from './result-job.ts'
import { formattedKey, notReady, resultExpired, storedResult } from './stored-result.ts'
import type { StoredResult } from './stored-result.ts'

export interface DeliverOptions {
  readonly jobs: Jobs
  readonly objects: ObjectStore
  /** How long a request may wait for a format that is not made yet. */
  readonly waitMsMax: number
}

export function openDeliver({ jobs, objects, waitMsMax }: DeliverOptions): Deliver {
  return {
    async knownBytes(job, format) {
      const stored = storedResult(job)
      const ready = readyIn(stored, format)
      if (ready === undefined) return await objects.size(formattedKey(stored, format))
      return (await isThere(objects, stored)) ? ready.to - ready.from : undefined
    },
    async exportResult({ accountId, userId }, query, delivery) {
      storedResult(query)
      const input: ExportJobInput = { queryJobId: query.id, delivery }
      return (await jobs.submit({ accountId, userId, kind: exportJobKind, input })).job
    },
    async result(job, format, options = {}) {
      const stored = storedResult(job)
      const ready = readyIn(stored, format)
      if (ready !== undefined) return resultObject(job, format, await readyBytes(objects, job, stored, ready))
      const key = formattedKey(stored, format)
      let bytes = await objects.size(key)
      if (bytes === undefined) {
        if (!(await isThere(objects, stored))) throw resultExpired(job.id)
        await makeFormat(jobs, job, format, Math.min(options.waitMsMax ?? waitMsMax, waitMsMax))
        bytes = must(await objects.size(key), `the object ${key} that a job made`)
      }
      return resultObject(job, format, { bytes, stream: (range) => objects.stream(key, range) })
    },
  }
}

function resultObject(
  job: Job,
  format: ResultFormat | BareFormat,
  content: Pick<ResultObject, 'bytes' | 'whole' | 'stream'>,
): ResultObject {
  return { ...content, contentType: contentType(format), etag: `"${job.id}-${format}-${content.bytes}"` }
}

const readyIn = ({ ready }: StoredResult, format: ResultFormat | BareFormat) =>
  ready?.format === format ? ready : undefined

const isThere = async (objects: ObjectStore, { inline, resultKey }: StoredResult) =>
  inline !== undefined || (await objects.size(resultKey)) !== undefined

/** A small one lies in the stored result and is read at once, which takes less than to look whether it is there, and to stream it. */
async function readyBytes(
  objects: ObjectStore,
  job: Job,
  { inline, resultKey }: StoredResult,
  { from, to }: ByteRange,
): Promise<Pick<ResultObject, 'bytes' | 'whole' | 'stream'>> {
  try {
    const whole =
      inline === undefined
        ? await objects.get(resultKey, { from, to })
        : Buffer.from(inline, 'base64').subarray(from, to)
    if (whole.byteLength !== to - from) throw shortened(job)
    return {
      bytes: whole.byteLength,
      whole,
      stream: async ({ from, to } = { from: 0, to: whole.byteLength }) => Readable.from([whole.subarray(from, to)]),
    }
  } catch (error) {
    throw isAppError(error, 'object_not_found') ? resultExpired(job.id, error) : error
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

function shortened(job: Job): AppError {
  return new AppError('object_damaged', `The stored result of job ${job.id} is shorter than it was.`, {
    hint: 'Submit the query again.',
  })
}

function contentType(format: ResultFormat | BareFormat): string {
  const mediaType = resultMediaTypes[format]
  return mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType
}
