import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import type pg from 'pg'

import type { Tally, WakingContender } from './contender.ts'
import { connectionsMax, openPool } from './server.ts'
import { untilTrue } from './wait.ts'

const silent = new Logger(() => () => {})
const identifier = 'noop'
const payload = { a: 1 }

/** How many jobs it fetches at once into its local queue: none, as many as are in hand, or more than that. */
export type Fetching = 'singly' | 'batch' | 'ahead'

const names = {
  singly: 'graphile-worker',
  batch: 'graphile-worker batched',
  ahead: 'graphile-worker by 500',
} as const

/**
 * graphile-worker as its manual describes it: plain, and with the local queue and ends that are written together. Fetching
 * ahead is what it does best, at the price that jobs of its local queue are locked and do not run.
 */
export async function openGraphile(url: string, fetching: Fetching): Promise<WakingContender> {
  const pool = openPool(url, connectionsMax)
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent })
  await utils.migrate()

  const start = (concurrency: number, handler: () => void) =>
    run({
      pgPool: pool,
      logger: silent,
      noHandleSignals: true,
      pollInterval: 200,
      concurrency,
      taskList: { [identifier]: handler },
      ...(fetching !== 'singly' && {
        preset: {
          worker: {
            localQueue: { size: fetching === 'batch' ? concurrency : Math.max(500, 2 * concurrency) },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      }),
    })

  return {
    name: names[fetching],
    async enqueue(jobs) {
      if (jobs === 1) await utils.addJob(identifier, payload)
      else await utils.addJobs(Array.from({ length: jobs }, () => ({ identifier, payload })))
    },
    async process(batch, tally, onWritten) {
      const runner = await start(batch, () => tally.count())
      await tally.reached
      await untilWritten(pool, tally)
      onWritten()
      await runner.stop()
    },
    async listen(onStart) {
      const runner = await start(10, onStart)
      return () => runner.stop()
    },
    async clear() {
      await pool.query('truncate graphile_worker._private_jobs')
    },
    async close() {
      await utils.release()
      await pool.end()
    },
  }
}

/** Finished jobs are deleted. Where time was up before the jobs, those that run at the end do not count for much. */
async function untilWritten(pool: pg.Pool, tally: Tally): Promise<void> {
  await untilTrue(async () => {
    if (!tally.drained) return true
    const { rows } = await pool.query('select not exists (select from graphile_worker._private_jobs) as done')
    return rows[0].done === true
  })
}
