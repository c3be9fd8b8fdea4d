import type { Postgres } from '../base/postgres/postgres.ts'
import { retriesSeconds } from './figures.ts'
import type { Figures } from './figures.ts'
import { countDead, countRetries, sumLimits } from './figures.sql.ts'
import { causeOfCode } from './retry-rules.ts'
import type { RetryCause } from './retry-rules.ts'

export function openFigures(postgres: Postgres): Figures {
  return {
    async read() {
      const [limits, failures, dead] = await Promise.all([
        sumLimits(postgres),
        countRetries(postgres, retriesSeconds),
        countDead(postgres),
      ])
      const retries = new Map<RetryCause, number>()
      for (const { code, count } of failures) {
        const cause = causeOfCode[code]
        retries.set(cause, (retries.get(cause) ?? 0) + count)
      }
      return { limits, retries: [...retries].map(([cause, count]) => ({ cause, count })), dead }
    },
  }
}
