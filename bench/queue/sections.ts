import type pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Quantiles } from '../outcome.ts'
import { quantiles } from '../quantiles.ts'
import type { BiwaContender } from './biwa-contender.ts'
import type { Contender, WakingContender } from './contender.ts'
import { rateOfProcessing } from './contender.ts'
import type { Rates } from './rates.ts'
import { median, medianRates } from './rates.ts'
import type { BenchServer } from './server.ts'
import { openPool } from './server.ts'

export interface Bench {
  readonly server: BenchServer
  readonly biwa: BiwaContender
  readonly graphile: WakingContender
  readonly graphileBatched: WakingContender
  readonly graphileAhead: WakingContender
  readonly pgBoss: Contender
  /** For each measurement, at most. */
  readonly jobs: number
  readonly rounds: number
  /** Jobs that wait beside those that are processed. */
  readonly backlogJobs: number
}

/** No measurement of a rate takes longer. */
const secondsMax = 4

/** How many callers enqueue at once. */
const callers = 8

/** Jobs per second that `callers` submit, `batch` with each call. */
export async function enqueue({ server, biwa, graphile, pgBoss, jobs, rounds }: Bench): Promise<Rates> {
  const steps = [1, 10, 100] as const
  return await medianRates({ subjects: [biwa, graphile, pgBoss], steps, rounds }, async (contender, batch) => {
    await contender.clear()
    await server.settle()
    const start = performance.now()
    let open = Math.ceil(jobs / batch)
    let enqueued = 0
    const call = async () => {
      while (open-- > 0 && performance.now() - start < secondsMax * 1000) {
        await contender.enqueue(batch)
        enqueued += batch
      }
    }
    await Promise.all(Array.from({ length: callers }, call))
    return (enqueued * 1000) / (performance.now() - start)
  })
}

/** Jobs per second that are acquired, run and finished, with `batch` of them in hand. */
export async function process(bench: Bench): Promise<Rates> {
  const { biwa, graphile, graphileBatched, graphileAhead, pgBoss, rounds, jobs } = bench
  const subjects = [biwa, graphileAhead, graphileBatched, graphile, pgBoss]
  return await medianRates({ subjects, steps: [1, 10, 100, 500], rounds }, async (contender, batch) => {
    const seeded = contender === graphile || contender === pgBoss ? Math.ceil(jobs / 2) : jobs
    await refill(bench, contender, seeded)
    return await rateOfProcessing(contender, batch, { jobs: seeded, secondsMax, drains: true })
  })
}

async function refill({ server }: Bench, contender: Contender, jobs: number): Promise<void> {
  await contender.clear()
  await add(contender, jobs)
  await server.settle()
}

async function add(contender: Contender, jobs: number): Promise<void> {
  for (let open = jobs; open > 0; open -= 1000) await contender.enqueue(Math.min(open, 1000))
}

/** Milliseconds from before a job is submitted to the start of its handler, when there is nothing else to do. */
export async function latency({
  server,
  biwa,
  graphile,
  graphileAhead,
  jobs,
}: Bench): Promise<Record<string, Quantiles>> {
  const samples = Math.min(500, jobs)
  const results: Record<string, Quantiles> = {}
  await server.settle()
  for (const contender of [biwa, graphile, graphileAhead]) {
    await contender.clear()
    let onStart = () => {}
    const stop = await contender.listen(() => onStart())
    const delays: number[] = []
    for (let sample = 0; sample < samples; sample++) {
      // Long enough for the end of the job before, and uneven, so that no poll can be in step with it.
      await sleep(10 + (sample % 7) * 3)
      const started = new Promise<void>((resolve) => (onStart = resolve))
      const start = performance.now()
      await Promise.all([contender.enqueue(1), started.then(() => delays.push(performance.now() - start))])
    }
    await stop()
    results[contender.name] = quantiles(delays)
  }
  return results
}

/**
 * Jobs per second beside jobs that wait already; the same number of jobs is processed each time. Two accounts share the
 * workers, so that what they cost by being two is measured without a backlog as well.
 */
export async function backlog(bench: Bench): Promise<Rates> {
  const { server, biwa, jobs, rounds, backlogJobs } = bench
  const [first, second] = biwa.accounts
  const seeds = {
    'one account': [[first, jobs]],
    'with backlog': [[first, backlogJobs + jobs]],
    'two accounts': [
      [second, jobs],
      [first, jobs],
    ],
    'one with backlog': [
      [second, backlogJobs],
      [first, jobs],
    ],
  } as const
  const steps = Object.keys(seeds) as (keyof typeof seeds)[]
  return await medianRates({ subjects: [biwa], steps, rounds }, async (_, step) => {
    await biwa.clear()
    for (const [account, count] of seeds[step]) await biwa.seed(account, count)
    await server.settle()
    return await rateOfProcessing(biwa, 100, { jobs, secondsMax: 60, drains: false })
  })
}

const snapshotSteps = 10

/**
 * Jobs per second of the last of ten steps, with and without a transaction that keeps everything visible which was there
 * before the first. What the steps leave behind cannot be vacuumed while it is open.
 */
export async function snapshot(bench: Bench): Promise<Rates> {
  const { server, biwa, graphileAhead, jobs, rounds } = bench
  const pool = openPool(server.url, 1)
  const rates = await medianRates(
    { subjects: [biwa, graphileAhead], steps: ['without', 'with'], rounds },
    async (contender, step) => {
      await contender.clear()
      await server.settle()
      const holder = await pool.connect()
      if (step === 'with') await holdSnapshot(holder)
      const last: number[] = []
      for (let part = 0; part < snapshotSteps; part++) {
        await add(contender, jobs)
        last.push(await rateOfProcessing(contender, 100, { jobs, secondsMax: 60, drains: true }))
      }
      if (step === 'with') await holder.query('commit')
      holder.release()
      return median(last.slice(-3))
    },
  )
  await pool.end()
  return rates
}

async function holdSnapshot(holder: pg.PoolClient): Promise<void> {
  await holder.query('begin isolation level repeatable read')
  await holder.query('select count(*) from pg_class')
}

const fairnessSamples = 20

/** Milliseconds until the single job of one account starts while another account has 100,000 jobs before it. */
export async function fairness({ server, biwa }: Bench): Promise<Quantiles & { startedMeanwhile: number }> {
  const [first, second] = biwa.accounts
  await biwa.clear()
  await biwa.seed(first, 100_000)
  await server.settle()
  let started = 0
  let onSecond = () => {}
  const stop = await biwa.run(20, async ({ job }) => {
    if (job.accountId === second) onSecond()
    started++
    await sleep(5)
  })
  await sleep(500)
  const delays: number[] = []
  for (let sample = 0; sample < fairnessSamples; sample++) {
    await sleep(20)
    const startedSecond = new Promise<void>((resolve) => (onSecond = resolve))
    const start = performance.now()
    await biwa.submit(second, 1)
    await startedSecond
    delays.push(performance.now() - start)
  }
  await stop()
  return { ...quantiles(delays), startedMeanwhile: started }
}
