// A worker process of queue.fault.test.ts, to be killed, stopped and cut off. Its jobs publish: they write into the
// database what may be written once only, and nothing but the fence sees to that.
import { setTimeout as sleep } from 'node:timers/promises'

import { systemClock } from '../../src/base/clock.ts'
import { AppError, isAppError, must } from '../../src/base/errors.ts'
import { openLog } from '../../src/base/log.ts'
import type { Postgres } from '../../src/base/postgres/postgres.ts'
import { openPostgres, sql } from '../../src/base/postgres/postgres.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import { openJobRunner } from '../../src/jobs/job-runner.ts'
import type { Attempt } from '../../src/jobs/jobs.ts'
import { workerServerSettings } from '../../src/jobs/plans.ts'
import { holdLease } from '../../src/store/commit.sql.ts'

const setting = (name: string) => must(process.env[name], `${name} is set`)
const url = setting('QUEUE_WORKER_URL')
const owner = setting('QUEUE_WORKER_OWNER')
const leaseMs = Number(setting('QUEUE_WORKER_LEASE_MS'))

async function connect(): Promise<Postgres> {
  while (true) {
    try {
      return await openPostgres({
        url,
        connectionsMax: 6,
        applicationName: owner,
        // A process that is stopped in the middle of a transaction would keep everybody from the limits that it holds.
        serverSettings: { ...workerServerSettings, idle_in_transaction_session_timeout: String(leaseMs) },
      })
    } catch (error) {
      if (!isAppError(error, 'database_unavailable')) throw error
      await sleep(100)
    }
  }
}

/**
 * As the store commits: the fence is held until the transaction ends. Whether the job was published before is read and
 * not enforced, for the attempt that holds the fence is alone.
 */
async function publish(postgres: Postgres, { job, leaseToken }: Attempt): Promise<void> {
  const held = await postgres.transaction(async (tx) => {
    if (!(await holdLease(tx, { jobId: job.id, leaseToken }))) return false
    await tx.query(sql`
      insert into published (job_id, lease_token, attempt)
      select ${job.id}, ${leaseToken}, ${job.attempt} where not exists (select from published where job_id = ${job.id})`)
    return true
  })
  if (held) return
  await postgres.query(
    sql`insert into refused (job_id, lease_token, attempt) values (${job.id}, ${leaseToken}, ${job.attempt})`,
  )
  throw new AppError('lease_lost', `Another worker runs job ${job.id} now.`)
}

/** The work, which takes as long as the input says; then publishing, again and again while the connection is cut. */
async function work(postgres: Postgres, attempt: Attempt): Promise<void> {
  const { ms } = attempt.job.input as { ms: number }
  if (ms > 0) await sleep(ms)
  while (true) {
    try {
      return await publish(postgres, attempt)
    } catch (error) {
      if (!isAppError(error, 'database_unavailable') || attempt.signal.aborted) throw error
      await sleep(50)
    }
  }
}

process.on('disconnect', () => process.exit(0))
const postgres = await connect()
const runner = openJobRunner({
  postgres,
  clock: systemClock,
  // Retries come soon.
  randomness: { ...systemRandomness, fraction: () => 0.999 },
  log: openLog('silent'),
  owner,
  kinds: [{ kind: 'publish', concurrency: 16, handler: (attempt) => work(postgres, attempt) }],
  leaseMs,
})
// A runner starts once. Where the way to the database is cut just now, the process ends and is started again.
await runner.start().catch(() => process.exit(1))
