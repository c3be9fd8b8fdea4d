import type { Clock } from '../../base/clock.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { applyCommit } from '../apply-commit.ts'
import { selectExpired } from './expire.sql.ts'

/** How much one call does: calls are short, and there is always another one. */
const piece = { tablesMax: 20, chunksMax: 5000 }

/**
 * Removes chunks that are older than their tables keep them: one commit for each table, and no file is read. A chunk that a
 * merge took meanwhile is left to the next call.
 */
export async function expireChunks(postgres: Postgres, clock: Clock): Promise<number> {
  let removed = 0
  for (const table of await selectExpired(postgres, new Date(clock.nowMs()), piece)) {
    const outcome = await applyCommit(postgres, clock, {
      accountId: table.account_id,
      target: { tableId: table.table_id, schemaVersion: table.schema_version, newColumns: [] },
      operation: 'expire',
      cause: 'expire_days',
      chunks: [],
      removed: table.ids,
      ids: [],
      quarantined: [],
    })
    if (outcome.kind === 'committed') removed += table.ids.length
  }
  return removed
}
