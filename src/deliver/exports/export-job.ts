import type { Attempt, JobKind, Jobs } from '../../jobs/jobs.ts'
import type { Delivery } from '../deliver.ts'
import type { ResultOutput } from '../stored-result.ts'
import { givenResult, storedResult } from '../stored-result.ts'
import { exportResult } from './export-result.ts'
import type { ExportParts } from './export-result.ts'

export const exportJobKind = 'result_export'

/** The input of a job of kind `result_export`. */
export interface ExportJobInput {
  readonly queryJobId: number
  readonly delivery: Delivery
}

/** What deliver reads of the input of a query. */
interface DeliveringInput {
  readonly delivery?: Delivery
  readonly scheduledTime?: number
}

/** Puts the result of a query that is done into a table. */
export function exportJob(parts: ExportParts & { readonly jobs: Jobs; readonly concurrency: number }): JobKind {
  return {
    kind: exportJobKind,
    concurrency: parts.concurrency,
    async handler(attempt) {
      const { queryJobId, delivery } = attempt.job.input as ExportJobInput
      const query = await parts.jobs.get(attempt.job.accountId, queryJobId)
      const { scheduledTime } = query.input as DeliveringInput
      const source = { ...storedResult(query), defaultTime: scheduledTime ?? secondsOf(query.createdAt) }
      return await exportResult(parts, attempt, source, delivery)
    },
  }
}

/** The kind of queries whose results go to a table as well, where one is asked for: the query is done when they are there. */
export function delivering(kind: JobKind, parts: ExportParts): JobKind {
  return {
    ...kind,
    async handler(attempt) {
      const output = await kind.handler(attempt)
      await deliver(parts, attempt, output as ResultOutput)
      return output
    },
  }
}

/** A statement that has no rows to give has none to deliver. */
async function deliver(parts: ExportParts, attempt: Attempt, output: ResultOutput): Promise<void> {
  const { delivery, scheduledTime } = attempt.job.input as DeliveringInput
  const result = givenResult(output)
  if (delivery === undefined || result === undefined) return
  const defaultTime = scheduledTime ?? secondsOf(attempt.job.createdAt)
  await exportResult(parts, attempt, { ...result, defaultTime }, delivery)
}

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000)
