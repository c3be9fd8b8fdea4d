import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { Announcer } from './announcer.ts'
import { readyChannel, readyItem } from './channels.ts'
import type { DeadLetters } from './dead-letters.ts'
import { redriveMax } from './dead-letters.ts'
import { lockJobs, requeueDead, selectDeadGroups, selectDeadIds, selectDeadJobs } from './dead-letters.sql.ts'
import { jobOf } from './job-row.ts'

export interface DeadLettersOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

export function openDeadLetters({ postgres, clock, log }: DeadLettersOptions): DeadLetters {
  const announcer = new Announcer(postgres, clock)
  return {
    async groups(accountId) {
      const rows = await selectDeadGroups(postgres, accountId)
      return rows.map(({ first_at: firstAt, last_at: lastAt, job_id: jobId, ...group }) => ({
        ...group,
        firstAt,
        lastAt,
        jobId,
      }))
    },

    list: async (filter, page) => (await selectDeadJobs(postgres, filter, page)).map(jobOf),

    async redrive(filter, { dryRun, actor }) {
      // One more than may be redriven tells whether there are more.
      const found = await selectDeadIds(postgres, filter, redriveMax + 1)
      const chosen = found.slice(0, redriveMax)
      const more = found.length > redriveMax
      if (dryRun || chosen.length === 0) return { ids: chosen, more }
      const queued = await postgres.transaction(async (tx) => {
        await lockJobs(tx, chosen)
        return await requeueDead(tx, filter.accountId, chosen, actor)
      })
      announcer.announce(
        readyChannel,
        queued.map(({ lane_id: laneId }) => readyItem.lane(laneId)),
      )
      log.info({ accountId: filter.accountId, actor, count: queued.length }, 'dead jobs were redriven')
      return { ids: queued.map(({ id }) => id), more }
    },
  }
}
