import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { sql } from '../base/postgres/postgres.ts'
import { forgetThePast } from './retention.ts'
import type { NewChunk, Operation, Table } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'

let bench: StoreBench
let accountId: number

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase())
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
})
afterAll(() => bench.close())

const forget = () => forgetThePast({ postgres: bench.postgres, clock: systemClock, uniqueIdDays: 30 })

async function commit(table: Table, id: string, removed: readonly string[] = []): Promise<NewChunk> {
  const operation: Operation = removed.length === 0 ? 'import' : 'merge'
  const chunk = await bench.uploadChunk({ accountId, tableId: table.id }, 0, 10)
  const outcome = await bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation,
    cause: 'test',
    chunks: [chunk],
    removed,
    ids: removed.length === 0 ? [{ uniqueId: id, rows: 1, quarantined: 0 }] : [],
    quarantined: [],
  })
  expect(outcome.kind).toBe('committed')
  return chunk
}

/** Everything of a table that has happened becomes older. */
async function age(table: Table, days: number): Promise<void> {
  const past = sql`make_interval(days => ${days})`
  await bench.postgres.query(
    sql`update applied_ids set committed_at = committed_at - ${past} where table_id = ${table.id}`,
  )
  await bench.postgres.query(sql`update arrivals set arrived_at = arrived_at - ${past} where table_id = ${table.id}`)
  await bench.postgres.query(
    sql`update snapshots set committed_at = committed_at - ${past} where table_id = ${table.id}`,
  )
}

const snapshotsOf = async (table: Table): Promise<number[]> => {
  const rows = await bench.postgres.query<{ snapshot: number }>(
    sql`select snapshot from snapshots where table_id = ${table.id} order by snapshot`,
  )
  return rows.map(({ snapshot }) => snapshot)
}

describe('the past', () => {
  test('of unique ids is forgotten after their days, and not before', async () => {
    const table = await bench.store.createTable(accountId, 'web', 'ids')
    await commit(table, 'old')
    await age(table, 29)
    await commit(table, 'new')
    expect(await forget()).toBe(0)
    await age(table, 2)
    // The id and its arrival.
    expect(await forget()).toBe(2)
    const known = await bench.store.appliedIds(accountId, table.id, ['old', 'new'])
    expect(known.map(({ uniqueId }) => uniqueId)).toEqual(['new'])
    expect((await commit(table, 'old')).rows).toBe(1)
  })

  test('of snapshots is forgotten as far as it cannot be read any more', async () => {
    const table = await bench.store.createTable(accountId, 'web', 'snapshots')
    const first = await commit(table, '1')
    const second = await commit(table, '2')
    await age(table, 3)
    expect(await forget()).toBe(0)
    const merged = await commit(table, '3', [first.id, second.id])
    await age(table, 3)
    // The oldest that can be read is the merge; it stays, and so does what came after it.
    await commit(table, '4')
    expect(await forget()).toBe(2)
    expect(await snapshotsOf(table)).toEqual([3, 4])

    await commit(table, '5', [merged.id])
    await age(table, 3)
    await commit(table, '6')
    // What the merge took is still in the history, and with it the way back.
    expect(await forget()).toBe(1)
    expect(await snapshotsOf(table)).toEqual([3, 5, 6])
    await bench.postgres.query(sql`delete from removed_chunks where table_id = ${table.id} and removed_snapshot = 3`)
    expect(await forget()).toBe(1)
    expect(await snapshotsOf(table)).toEqual([5, 6])
  })

  test('is forgotten a piece at a time', async () => {
    const table = await bench.store.createTable(accountId, 'web', 'many')
    await bench.postgres.query(sql`
      insert into applied_ids (account_id, table_id, unique_id, snapshot, rows, quarantined, committed_at)
      select ${accountId}, ${table.id}, 'id ' || i, 1, 1, 0, now() - interval '40 days' from generate_series(1, 25000) i`)
    expect(await forget()).toBe(20_000)
    expect(await forget()).toBe(5000)
    expect(await forget()).toBe(0)
  })
})
