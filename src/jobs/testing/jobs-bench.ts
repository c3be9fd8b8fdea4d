import type { Clock } from '../../base/clock.ts'
import { systemClock } from '../../base/clock.ts'
import { must } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { Service } from '../../base/service.ts'
import { openJobRunner } from '../job-runner.ts'
import type { GoneWorkers } from '../job-runner.ts'
import type { Job, JobHandler, Jobs, NewJob } from '../jobs.ts'
import { finishedStates } from '../jobs.ts'
import { openJobs } from '../open-jobs.ts'

/** A queue over a database, with runners that are stopped with it. */
export interface JobsBench {
  readonly postgres: Postgres
  readonly jobs: Jobs
  readonly accountId: number
  submit(job?: Partial<NewJob>): Promise<Job>
  /** Starts a runner of one kind. */
  run(handler: JobHandler, options?: Partial<RunOptions>): Promise<Service>
  /** The job when it is finished; fails after a minute and a half. */
  finished(job: Pick<Job, 'id'>): Promise<Job>
  /** The changes of state, each as `from>to`. */
  path(job: Pick<Job, 'id'>): Promise<string[]>
  stop(): Promise<void>
}

interface RunOptions {
  readonly kind: string
  readonly concurrency: number
  readonly owner: string
  readonly leaseMs: number
  readonly gone: GoneWorkers
  readonly postgres: Postgres
}

/** Retries wait for a moment only. */
const impatience = { ...systemRandomness, fraction: () => 0.999 }

export async function openJobsBench(postgres: Postgres, clock: Clock = systemClock): Promise<JobsBench> {
  const log = openLog('silent')
  const jobs = openJobs({ postgres, clock, log })
  await jobs.start()
  const rows = await postgres.query<{ id: number }>(sql`insert into accounts (name) values ('a') returning id`)
  const accountId = must(rows[0], 'the account was made').id
  const runners: Service[] = []
  return {
    postgres,
    jobs,
    accountId,
    submit: async (job) => (await jobs.submit({ accountId, kind: 'work', input: {}, ...job })).job,
    async run(handler, { kind = 'work', concurrency = 1, owner = 'worker', ...more } = {}) {
      const kinds = [{ kind, concurrency, handler }]
      const runner = openJobRunner({ postgres, clock, randomness: impatience, log, owner, kinds, ...more })
      runners.push(runner)
      await runner.start()
      return runner
    },
    async finished({ id }) {
      const job = await jobs.wait(accountId, id, 90_000)
      if (!finishedStates.has(job.state)) throw new Error(`job ${id} is still ${job.state}`)
      return job
    },
    async path({ id }) {
      const history = await jobs.history(accountId, id)
      return history.map(({ from, to }) => `${from ?? ''}>${to}`)
    },
    async stop() {
      for (const runner of runners) await runner.stop()
      await jobs.stop()
    },
  }
}
