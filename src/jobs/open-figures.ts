import type { Postgres } from '../base/postgres/postgres.ts'
import { recentSeconds } from './figures.ts'
import type { Figures } from './figures.ts'
import { countDead, countFired, countRetries, countSchedules, sumLimits } from './figures.sql.ts'
import { causeOfCode } from './retry-rules.ts'
import type { RetryCause } from './retry-rules.ts'

export function openFigures(postgres: Postgres): Figures {
  return {
    async read() {
      const [limits, failures, dead, counted, fired] = await Promise.all([
        sumLimits(postgres),
        countRetries(postgres, recentSeconds),
        countDead(postgres),
        countSchedules(postgres),
        countFired(postgres, recentSeconds),
      ])
      const retries = new Map<RetryCause, number>()
      for (const { code, count } of failures) {
        const cause = causeOfCode[code]
        retries.set(cause, (retries.get(cause) ?? 0) + count)
      }
      return {
        limits,
        retries: [...retries].map(([cause, count]) => ({ cause, count })),
        dead,
        schedules: { ...counted, fired },
      }
    },
  }
}
