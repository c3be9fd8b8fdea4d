import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { must } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { finishedChannel } from './channels.ts'
import { FinishWatch } from './finish-watch.ts'
import { jobOf } from './job-row.ts'
import type { Job, Jobs } from './jobs.ts'
import { jobNotFound, killJob } from './kill.ts'
import { submitJobs } from './submit.ts'
import { selectDepth, selectHistory, selectJob, selectJobs } from './watch.sql.ts'

export interface JobsOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

/** The queue as those see it who submit and watch. Until `start`, waits are woken by looking now and then only. */
export function openJobs({ postgres, clock, log }: JobsOptions): Jobs {
  const watch = new FinishWatch(clock)
  let stopListening: (() => Promise<void>) | undefined

  async function get(accountId: number | null, id: number): Promise<Job> {
    const row = await selectJob(postgres, accountId, id)
    if (row === undefined) throw jobNotFound(id)
    return jobOf(row)
  }

  return {
    name: 'jobs',
    async start() {
      const onFinished = (id: string) => watch.wake(Number(id))
      stopListening = await postgres.listen(finishedChannel, onFinished, () => watch.wakeAll())
    },
    async stop() {
      await stopListening?.()
      stopListening = undefined
    },

    async submit(job) {
      const [submitted] = await submitJobs(postgres, [job])
      return must(submitted, 'a submitted job is answered')
    },
    submitAll: (jobs) => submitJobs(postgres, jobs),
    get,
    list: async (filter) => (await selectJobs(postgres, filter)).map(jobOf),
    async history(accountId, id) {
      await get(accountId, id)
      return await selectHistory(postgres, id)
    },
    wait: (accountId, id, timeoutMs, signal) => watch.wait(id, () => get(accountId, id), timeoutMs, signal),
    async kill(accountId, id, actor) {
      const before = await killJob(postgres, accountId, id, actor)
      log.info({ accountId, job: id, actor, state: before }, 'a job was to be killed')
      return before
    },
    async depth() {
      const rows = await selectDepth(postgres)
      return rows.map(({ kind, state, count, oldest_seconds }) => ({
        kind,
        state,
        count,
        oldestSeconds: oldest_seconds,
      }))
    },
  }
}
