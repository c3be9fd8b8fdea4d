import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Commit, CommitOutcome, NewChunk, Table, TableSnapshot } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'

const everything = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]

let bench: StoreBench
let accountId: number
let table: Table

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
beforeEach(async () => {
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  table = await bench.store.createTable(accountId, 'web', 'logs')
})

const upload = (from: number, rows: number) =>
  bench.uploadChunk({ accountId, tableId: table.id }, from, from + 10, rows)

const reread = () => bench.store.table(accountId, 'web', 'logs')

async function opened(): Promise<TableSnapshot> {
  const [snapshot] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
  return must(snapshot, 'the snapshot')
}

const idsAt = async (snapshot: TableSnapshot): Promise<string[]> =>
  (await bench.store.findChunks(snapshot, everything)).map((chunk) => chunk.id)

const idsOf = (chunks: readonly NewChunk[]): string[] => chunks.map((chunk) => chunk.id)

let imports = 0

function commit(more: Partial<Commit>): Promise<CommitOutcome> {
  return bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: [],
    ids: [],
    quarantined: [],
    ...more,
  })
}

async function imported(from: number, rows: number): Promise<NewChunk> {
  const chunk = await upload(from, rows)
  await commit({ chunks: [chunk], ids: [{ uniqueId: `import ${(imports += 1)}`, rows, quarantined: 0 }] })
  return chunk
}

const merge = (chunks: readonly NewChunk[], into: readonly NewChunk[], more: Partial<Commit> = {}) =>
  commit({ operation: 'merge', layer: 'archive', chunks: into, removed: idsOf(chunks), ...more })

describe('chunks that replace others', () => {
  test('are there from their snapshot on, and the others until then', async () => {
    const old = [await imported(0, 3), await imported(10, 4)]
    const other = await imported(20, 5)
    const before = await opened()
    const merged = await upload(0, 7)
    expect(await merge(old, [merged])).toEqual({ kind: 'committed', tableId: table.id, snapshot: 4 })

    expect(await idsAt(await opened())).toEqual(idsOf([merged, other]))
    expect(await idsAt(before)).toEqual(idsOf([...old, other]))
    expect(await reread()).toMatchObject({ snapshot: 4, rows: 12, bytes: 200 })
    expect((await opened()).chunkCount).toBe(2)
    const [live] = await bench.store.findChunks(await opened(), everything)
    expect(live).toMatchObject({ layer: 'archive', addedSnapshot: 4 })
    const [noted] = await bench.postgres.query(sql`
      select operation, rows_added, rows_removed, chunks_added, chunks_removed, rows, bytes, chunks
        from snapshots where table_id = ${table.id} and snapshot = 4`)
    expect(noted).toEqual({
      operation: 'merge',
      rows_added: 7,
      rows_removed: 7,
      chunks_added: 1,
      chunks_removed: 2,
      rows: 12,
      bytes: 200,
      chunks: 2,
    })
    const [counted] = await bench.postgres.query(sql`select realtime_chunks from tables where id = ${table.id}`)
    expect(counted).toEqual({ realtime_chunks: 1 })
  })

  test('come once, however many merge the same at one time', async () => {
    const old = [await imported(0, 3), await imported(10, 4)]
    const merged = await Promise.all(Array.from({ length: 8 }, () => upload(0, 7)))
    const outcomes = await Promise.all(merged.map((chunk) => merge(old, [chunk])))
    expect(outcomes.filter(({ kind }) => kind === 'committed')).toHaveLength(1)
    expect(outcomes.filter(({ kind }) => kind === 'conflict')).toHaveLength(7)
    expect(await reread()).toMatchObject({ rows: 7, snapshot: 3 })
  })

  test('come all or not at all', async () => {
    const [first, second] = [await imported(0, 3), await imported(10, 4)]
    await merge([first], [await upload(0, 3)])
    expect(await merge([first, second], [await upload(0, 7)])).toEqual({ kind: 'conflict' })
    expect(await reread()).toMatchObject({ rows: 7, snapshot: 3 })
    expect(await idsAt(await opened())).toContain(second.id)
  })

  test('belong to the table that was named', async () => {
    const chunk = await imported(0, 3)
    const other = await bench.store.createTable(accountId, 'web', 'other')
    const target = { tableId: other.id, schemaVersion: other.schemaVersion, newColumns: [] }
    expect(await merge([chunk], [], { target })).toEqual({ kind: 'conflict' })
  })

  test('are refused where they were written for columns that mean something else now', async () => {
    const chunk = await imported(0, 3)
    await bench.postgres.query(sql`update tables set schema_version = 2, restated_version = 2 where id = ${table.id}`)
    expect(await merge([chunk], [await upload(0, 3)])).toEqual({ kind: 'schema_changed' })
    const { schemaVersion } = await reread()
    const target = { tableId: table.id, schemaVersion, newColumns: [] }
    expect(await merge([chunk], [await upload(0, 3)], { target })).toMatchObject({ kind: 'committed' })
  })

  test('tell of rows that came, or changed, and not of merges', async () => {
    const chunk = await imported(0, 3)
    const merged = await upload(0, 3)
    await merge([chunk], [merged])
    await merge([merged], [await upload(5, 2)], { operation: 'delete' })
    const arrivals = await bench.postgres.query(
      sql`select snapshot, kind, rows, lower(time_range) as "from", upper(time_range) as "to"
            from arrivals where table_id = ${table.id} order by snapshot`,
    )
    expect(arrivals).toEqual([
      { snapshot: 1, kind: 'new', rows: 3, from: 0, to: 10 },
      { snapshot: 3, kind: 'restated', rows: 2, from: 0, to: 15 },
    ])
  })
})

describe('what was removed', () => {
  async function sweepUntilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < 2;) quiet = (await bench.store.sweep()) === 0 ? quiet + 1 : 0
  }

  test('goes with its files when the history of the table is over, and not before', async () => {
    const old = [await imported(0, 3), await imported(10, 4)]
    const before = await opened()
    const merged = await upload(0, 7)
    await merge(old, [merged])
    bench.putForward(23 * 3600)
    await sweepUntilQuiet()
    expect(await idsAt(before)).toEqual(idsOf(old))
    bench.putForward(2 * 3600)
    await sweepUntilQuiet()
    expect(await idsAt(before)).toEqual([])
    const sizes = await Promise.all([...old, merged].map(({ objectKey }) => bench.objects.size(objectKey)))
    expect(sizes.map((size) => size !== undefined)).toEqual([false, false, true])
  })
})
