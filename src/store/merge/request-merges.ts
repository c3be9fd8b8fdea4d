import type { Clock } from '../../base/clock.ts'
import { must } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { mergeKind } from './merge-job.ts'
import type { MergeJobInput } from './merge-job.ts'
import { noteJobs, reopenRequests, requestMajorMerges, selectOpenRequests } from './merge.sql.ts'
import { openHour } from './plan-merges.ts'
import { mergeRules } from './rules.ts'

const requestsMax = 500

/**
 * Makes a job for each table that has asked for its merges. The job's key is the request, so that two schedulers that look
 * at one time make one. Returns how many were made where there may be more.
 */
export async function submitMerges({ postgres, jobs }: { postgres: Postgres; jobs: Jobs }): Promise<number> {
  const requests = await selectOpenRequests(postgres, requestsMax)
  if (requests.length === 0) return 0
  const submitted = await jobs.submitAll(
    requests.map(({ table_id: tableId, account_id: accountId, requested_us: requestedUs }) => {
      const input: MergeJobInput = { tableId }
      return { accountId, kind: mergeKind, input, uniqueKey: `merge:${tableId}:${requestedUs}` }
    }),
  )
  await noteJobs(
    postgres,
    requests.map((request, index) => {
      const { job } = must(submitted[index], 'every job was submitted')
      return { tableId: request.table_id, requestedUs: request.requested_us, jobId: job.id }
    }),
  )
  return requests.length < requestsMax ? 0 : requests.length
}

/** Finds the tables of which an hour is over, and those whose request was forgotten. Returns how many now ask for merges. */
export async function findSettledTables({ postgres, clock }: { postgres: Postgres; clock: Clock }): Promise<number> {
  const nowMs = clock.nowMs()
  const settled = new Date(nowMs - mergeRules.settledMs)
  await reopenRequests(postgres, settled)
  return await requestMajorMerges(postgres, { settled, openHour: openHour(nowMs) })
}
