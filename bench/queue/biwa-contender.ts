import { systemClock } from '../../src/base/clock.ts'
import { openLog } from '../../src/base/log.ts'
import { openPostgres } from '../../src/base/postgres/postgres.ts'
import { systemRandomness } from '../../src/base/randomness.ts'
import { openJobRunner } from '../../src/jobs/job-runner.ts'
import type { JobHandler, NewJob } from '../../src/jobs/jobs.ts'
import { openJobs } from '../../src/jobs/open-jobs.ts'
import { workerServerSettings } from '../../src/jobs/plans.ts'
import type { WakingContender } from './contender.ts'
import { connectionsMax, openPool } from './server.ts'
import { untilTrue } from './wait.ts'

export interface BiwaContender extends WakingContender {
  readonly accounts: readonly [first: number, second: number]
  submit(accountId: number, jobs: number): Promise<void>
  /** Waiting jobs without the way there: like `submit`, but a million in seconds. */
  seed(accountId: number, jobs: number): Promise<void>
  /** Starts a runner of the kind; resolves with what stops it. */
  run(concurrency: number, handler: JobHandler): Promise<() => Promise<void>>
}

const kind = 'noop'
const input = { a: 1 }

export async function openBiwa(url: string): Promise<BiwaContender> {
  const log = openLog('error')
  const parts = { clock: systemClock, randomness: systemRandomness, log }
  const postgres = await openPostgres({ url, connectionsMax, applicationName: 'biwa' })
  const worker = await openPostgres({
    url,
    connectionsMax,
    applicationName: 'biwa worker',
    serverSettings: workerServerSettings,
  })
  const admin = openPool(url, 1)
  const jobs = openJobs({ ...parts, postgres })
  await jobs.start()
  const { rows } = await admin.query(`insert into accounts (name) values ('first'), ('second') returning id`)
  const accounts = [Number(rows[0].id), Number(rows[1].id)] as const

  const submit = async (accountId: number, count: number): Promise<void> => {
    const job: NewJob = { accountId, kind, input }
    if (count === 1) await jobs.submit(job)
    else await jobs.submitAll(Array.from({ length: count }, () => job))
  }
  const start = async (concurrency: number, handler: JobHandler) => {
    const runner = openJobRunner({
      ...parts,
      postgres: worker,
      owner: 'bench',
      kinds: [{ kind, concurrency, handler }],
    })
    await runner.start()
    return () => runner.stop()
  }

  return {
    name: 'biwa',
    accounts,
    submit,
    enqueue: (count) => submit(accounts[0], count),
    async process(batch, tally, onWritten) {
      const stop = await start(batch, async () => tally.count())
      await tally.reached
      await untilTrue(async () => {
        if (!tally.drained) return true
        const result = await admin.query(
          'select not exists (select from job_waiting) and not exists (select from job_running) as done',
        )
        return result.rows[0].done === true
      })
      onWritten()
      await stop()
    },
    run: start,
    listen: (onStart) => start(10, async () => onStart()),
    async seed(accountId, count) {
      await submit(accountId, 1)
      await admin.query(
        `with lane as (
           select id from job_lanes where account_id = $1 and kind = $2 limit 1
         ), job as (
           insert into jobs (lane_id, account_id, kind, input, run_at, attempts_max, submitted_by)
           select lane.id, $1, $2, $3, now(), 3, 'bench' from lane, generate_series(2, $4::integer)
           returning id, lane_id, run_at
         )
         insert into job_waiting (job_id, lane_id, state, due_at, position)
         select id, lane_id, 'queued', run_at, (extract(epoch from run_at) * 1000000)::bigint from job`,
        [accountId, kind, input, count],
      )
    },
    async clear() {
      await admin.query('truncate jobs, job_waiting, job_running, job_history')
    },
    async close() {
      await jobs.stop()
      await worker.close()
      await postgres.close()
      await admin.end()
    },
  }
}
