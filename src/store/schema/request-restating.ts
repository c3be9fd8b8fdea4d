import type { Clock } from '../../base/clock.ts'
import { must } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import type { RestateJobInput } from './restate-job.ts'
import { restateKind } from './restate-job.ts'
import { noteRestateJobs, selectWaitingTables } from './restate.sql.ts'

const tablesMax = 500

/** A job that ended before its work did, most often because it failed, is followed by another after this time. */
const followAfterMs = 60_000

/**
 * Makes a job for each table whose columns were changed. Its key names the one before, so that two schedulers that look at one
 * time make one. Returns how many were made where there may be more.
 */
export async function submitRestating({
  postgres,
  jobs,
  clock,
}: {
  readonly postgres: Postgres
  readonly jobs: Jobs
  readonly clock: Clock
}): Promise<number> {
  const tables = await selectWaitingTables(postgres, tablesMax)
  if (tables.length === 0) return 0
  const submitted = await jobs.submitAll(
    tables.map(({ id: tableId, account_id: accountId, restated_version, restate_job_id: before }) => {
      const input: RestateJobInput = { tableId }
      const uniqueKey = `restate:${tableId}:${restated_version}:${before ?? 'first'}`
      const runAt = before === null ? {} : { runAt: new Date(clock.nowMs() + followAfterMs) }
      return { accountId, kind: restateKind, input, uniqueKey, ...runAt }
    }),
  )
  await noteRestateJobs(
    postgres,
    tables.map(({ id }, index) => ({
      tableId: id,
      jobId: must(submitted[index], 'every job was submitted').job.id,
    })),
  )
  return tables.length < tablesMax ? 0 : tables.length
}
