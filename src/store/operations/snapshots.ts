import { must } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { requireTables } from '../catalog.ts'
import type { AsOf, Snapshot, SnapshotDiff, TableName } from '../store.ts'
import { selectOldest } from './past-tables.sql.ts'
import { pastTable } from './open-snapshots.ts'
import { selectDifference, selectOperations, selectSnapshots } from './snapshots.sql.ts'

export async function listSnapshots(
  postgres: Postgres,
  now: Date,
  accountId: number,
  name: TableName,
  page: { readonly limit: number; readonly before?: number },
): Promise<Snapshot[]> {
  const [row] = await requireTables(postgres, accountId, [name])
  const table = { accountId, tableId: must(row, 'a required table is there').id }
  const oldest = await selectOldest(postgres, table, now)
  return await selectSnapshots(postgres, table, oldest.snapshot, page)
}

/** What happened from the older of two snapshots to the newer. */
export async function diffSnapshots(
  postgres: Postgres,
  now: Date,
  accountId: number,
  name: TableName,
  ends: readonly [from: AsOf, to: AsOf],
): Promise<SnapshotDiff> {
  const [row] = await requireTables(postgres, accountId, [name])
  const table = must(row, 'a required table is there')
  const numbers = await Promise.all(
    ends.map(async (asOf) => (await pastTable(postgres, table, asOf, now)).table.snapshot),
  )
  const range = { from: Math.min(...numbers), to: Math.max(...numbers) }
  const key = { accountId, tableId: table.id }
  const operations = await selectOperations(postgres, key, range)
  return { ...range, operations, ...(await selectDifference(postgres, key, range)) }
}
