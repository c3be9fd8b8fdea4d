import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { AppError, must } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { Announcer } from './announcer.ts'
import { finishedChannel, parseFinished, readyChannel } from './channels.ts'
import { explainWaiting } from './explain.ts'
import { FinishWatch } from './finish-watch.ts'
import { jobOf } from './job-row.ts'
import type { Job, Jobs, NewJob } from './jobs.ts'
import { jobNotFound, killJob } from './kill.ts'
import { JustFinished } from './just-finished.ts'
import { Lanes } from './lanes.ts'
import { submitJobs } from './submit.ts'
import type { DepthRow } from './watch.sql.ts'
import { selectDepth, selectHistory, selectJob, selectJobOfDomainKey, selectJobs } from './watch.sql.ts'

export interface JobsOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

/** The queue as those see it who submit and watch. Until `start`, waits are woken by looking now and then only. */
export function openJobs({ postgres, clock, log }: JobsOptions): Jobs {
  const watch = new FinishWatch(clock)
  const justFinished = new JustFinished(clock)
  const announcer = new Announcer(postgres, clock)
  const lanes = new Lanes()
  let stopListening: (() => Promise<void>) | undefined

  const get = async (accountId: number | null, id: number): Promise<Job> =>
    justFinished.take(accountId, id) ?? (await readJob(postgres, accountId, id))

  async function ofDomainKey(accountId: number, domainKey: string): Promise<Job> {
    const row = await selectJobOfDomainKey(postgres, accountId, domainKey)
    if (row !== undefined) return jobOf(row)
    throw new AppError('job_not_found', `No job has the domain key ${JSON.stringify(domainKey)}.`, {
      hint: 'It was not submitted, or was deleted after its retention.',
    })
  }

  async function submitAll(newJobs: readonly NewJob[]) {
    const { submitted, ready } = await submitJobs(postgres, lanes, newJobs)
    announcer.announce(readyChannel, ready)
    return submitted
  }

  return {
    name: 'jobs',
    async start() {
      const onFinished = (payload: string) => {
        for (const { first, last } of parseFinished(payload)) watch.wake(first, last)
      }
      stopListening = await postgres.listen(finishedChannel, onFinished, () => watch.wakeAll())
    },
    async stop() {
      await stopListening?.()
      stopListening = undefined
    },

    async submit(job) {
      const [submitted] = await submitAll([job])
      return must(submitted, 'a submitted job is answered')
    },
    submitAll,
    get,
    list: async (filter) => (await selectJobs(postgres, filter)).map(jobOf),
    ofDomainKey,
    async history(accountId, id) {
      await get(accountId, id)
      return await selectHistory(postgres, id)
    },
    async wait(accountId, id, timeoutMs, signal, submitted) {
      const job = await watch.wait(id, () => readJob(postgres, accountId, id), timeoutMs, { signal, submitted })
      justFinished.note(job)
      return job
    },
    async kill(accountId, id, actor) {
      const before =
        (await killJob({ postgres, announcer }, { accountId, id }, actor)) ?? (await get(accountId, id)).state
      log.info({ accountId, job: id, actor, state: before }, 'a job was to be killed')
      return before
    },
    async explain(accountId, id) {
      await get(accountId, id)
      return await explainWaiting(postgres, accountId, id)
    },
    depth: async () => (await selectDepth(postgres)).map(depthOf),
  }
}

async function readJob(postgres: Postgres, accountId: number | null, id: number): Promise<Job> {
  const row = await selectJob(postgres, accountId, id)
  if (row === undefined) throw jobNotFound(id)
  return jobOf(row)
}

function depthOf({ kind, state, count, oldest_seconds: oldestSeconds }: DepthRow) {
  return { kind, state, count, oldestSeconds }
}
