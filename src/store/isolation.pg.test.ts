import { afterAll, beforeAll, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { isAppError, must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Commit, Store, Table, TableSnapshot } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'

// Two accounts, the intruder and the owner. The intruder knows every name and number of the owner's, and calls every
// method of the store with them.

let bench: StoreBench
let store: Store
let owner: number
let intruder: number
let table: Table
let snapshot: TableSnapshot

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
  store = bench.store
  owner = await bench.makeAccount()
  intruder = await bench.makeAccount()
  await store.createDatabase(owner, 'web')
  table = await store.createTable(owner, 'web', 'logs')
  await store.commit(await commitOf(owner, 'first'))
  await store.quarantine(owner, 'web', 'logs', [
    {
      uniqueId: 'q',
      recordNumber: 0,
      byteOffset: 0,
      reason: 'json_syntax',
      detail: '',
      raw: Buffer.from('secret'),
      rawBytes: 6,
      objectKey: null,
    },
  ])
  const [opened] = await store.openSnapshot(owner, [{ database: 'web', name: 'logs' }])
  snapshot = must(opened, 'the snapshot')
})
afterAll(() => bench.close())

async function commitOf(accountId: number, uniqueId: string): Promise<Commit> {
  return {
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: [await bench.uploadChunk({ accountId, tableId: table.id }, 0, 1)],
    ids: [{ uniqueId, rows: 1, quarantined: 0 }],
    places: { segment: uniqueId, ranges: [{ from: 1, to: 2, rows: 1, quarantined: 0 }] },
    quarantined: [],
  }
}

/** Everything of the owner's, as the database has it. */
async function ownersRows(): Promise<string> {
  const rows = await bench.postgres.query<{ all: string }>(sql`
    select (select json_agg(d order by id) from databases d where account_id = ${owner})::text
        || (select json_agg(t order by id) from tables t where account_id = ${owner})::text
        || (select json_agg(c order by id) from chunks c where account_id = ${owner})::text
        || (select json_agg(s order by snapshot) from snapshots s where account_id = ${owner})::text
        || (select json_agg(p order by from_byte) from applied_places p where account_id = ${owner})::text
        || (select json_agg(i order by unique_id) from applied_ids i where account_id = ${owner})::text
        || (select json_agg(q order by id) from quarantine q where account_id = ${owner})::text
        || (select count(*) from object_removals)::text as all`)
  return must(rows[0], 'the rows').all
}

const notFound = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
  } catch (error) {
    if (isAppError(error)) return error.code
    throw error
  }
  return 'no failure'
}

test('what belongs to another account does not exist', async () => {
  const before = await ownersRows()
  const names = [{ database: 'web', name: 'logs' }]
  expect(await store.listDatabases(intruder)).toEqual([])
  expect(await notFound(store.database(intruder, 'web'))).toBe('database_not_found')
  expect(await notFound(store.listTables(intruder, 'web'))).toBe('database_not_found')
  expect(await notFound(store.table(intruder, 'web', 'logs'))).toBe('database_not_found')
  expect(await notFound(store.openSnapshot(intruder, names))).toBe('database_not_found')
  expect(await notFound(store.createTable(intruder, 'web', 'mine'))).toBe('database_not_found')
  expect(await notFound(store.dropTable(intruder, 'web', 'logs'))).toBe('database_not_found')
  expect(await notFound(store.dropDatabase(intruder, 'web'))).toBe('database_not_found')
  expect(await store.appliedIds(intruder, table.id, ['first'])).toEqual([])
  expect(await store.appliedPlaces(intruder, table.id, { segment: 'first', from: 0, to: 9 })).toEqual([])
  expect(await store.listQuarantine(intruder, 'web', 'logs', { limit: 10 })).toEqual([])
  expect(await ownersRows()).toBe(before)
})

test('a snapshot with another account’s number in it finds no chunks', async () => {
  const forged = { ...snapshot, table: { ...snapshot.table, accountId: intruder } }
  const ranges = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
  expect(await store.findChunks(snapshot, ranges)).toHaveLength(1)
  expect(await store.findChunks(forged, ranges)).toEqual([])
})

test('a commit into another account’s table or database changes nothing', async () => {
  const before = await ownersRows()
  expect(await store.commit(await commitOf(intruder, 'x'))).toEqual({ kind: 'table_dropped' })
  const create = { databaseId: table.databaseId, name: 'planted', columns: [] }
  const planted: Commit = { ...(await commitOf(intruder, 'y')), target: { create } }
  expect(await notFound(store.commit(planted))).toBe('database_not_found')
  expect(await ownersRows()).toBe(before)
})

test('a commit of another account’s file is refused: it would read it as its own', async () => {
  await store.createDatabase(intruder, 'mine')
  const own = await store.createTable(intruder, 'mine', 'mine')
  const [chunk] = await store.findChunks(snapshot, [{ from: 0, to: 1 }])
  const stolen: Commit = {
    ...(await commitOf(intruder, 'z')),
    target: { tableId: own.id, schemaVersion: own.schemaVersion, newColumns: [] },
    chunks: [must(chunk, 'the owner’s chunk')],
  }
  await expect(store.commit(stolen)).rejects.toThrow('key that newChunk gave it')
})

test('equal names in two accounts are two things', async () => {
  const before = await ownersRows()
  await store.createDatabase(intruder, 'web')
  const mine = await store.createTable(intruder, 'web', 'logs')
  expect(mine.id).not.toBe(table.id)
  expect(mine.rows).toBe(0)
  expect(await store.listQuarantine(intruder, 'web', 'logs', { limit: 10 })).toEqual([])
  await store.quarantine(intruder, 'web', 'logs', [])
  await store.dropDatabase(intruder, 'web')
  expect(await ownersRows()).toBe(before)
})
