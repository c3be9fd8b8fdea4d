import type { Clock } from '../base/clock.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { countDamagedChunks, selectDamagedChunks } from './damaged-chunks.sql.ts'
import { tableLayout } from './layout/table-layout.ts'
import type { Store } from './store.ts'
import type { Upkeep, VerifyInput } from './upkeep.ts'
import { verifyKind } from './upkeep.ts'

export interface UpkeepOptions {
  readonly postgres: Postgres
  readonly store: Store
  readonly jobs: Jobs
  readonly clock: Clock
}

/** How many damaged chunks of a table are listed. */
const listedMax = 1000

/** Verification gives way to everything else. */
const verifyPriority = -2

export function openUpkeep({ postgres, store, jobs, clock }: UpkeepOptions): Upkeep {
  return {
    async verify({ accountId, userId }, input: VerifyInput) {
      const { database, table } = input
      if (database !== null && table !== null) await store.table(accountId, database, table)
      else if (database !== null) await store.database(accountId, database)
      const { job } = await jobs.submit({ accountId, userId, kind: verifyKind, input, priority: verifyPriority })
      return job
    },
    async damagedChunks(accountId, database, table) {
      const { id } = await store.table(accountId, database, table)
      const rows = await selectDamagedChunks(postgres, { accountId, tableId: id }, listedMax)
      return rows.map((row) => ({
        id: row.id,
        objectKey: row.object_key,
        timeRange: { from: row.time_from, to: row.time_to },
        rows: row.rows,
        bytes: row.bytes,
        reason: row.reason,
        detail: row.detail,
        byteOffset: row.byte_offset,
        snapshot: row.set_aside_snapshot,
        setAsideAt: row.set_aside_at,
      }))
    },
    layout: async (accountId, database, table) =>
      await tableLayout(postgres, clock, await store.table(accountId, database, table)),
    damage: () => countDamagedChunks(postgres),
  }
}
