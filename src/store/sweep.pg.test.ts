import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import { hasOpenTransaction } from '../base/postgres/open-transactions.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { NewChunk, Table } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { graceSeconds, openStoreBench } from './testing/store-bench.ts'

const everything = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
const day = 24 * 3600

let bench: StoreBench
let accountId: number

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
beforeEach(async () => {
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
})

async function fillTable(name: string, chunkCount: number): Promise<{ table: Table; chunks: NewChunk[] }> {
  await bench.store.createTable(accountId, 'web', name)
  // Without a history, so that the grace period alone counts.
  const table = await bench.store.setProperties(accountId, { database: 'web', name }, { historyHours: 0 })
  const chunks: NewChunk[] = []
  for (let index = 0; index < chunkCount; index += 1) {
    const chunk = await bench.uploadChunk({ accountId, tableId: table.id }, index, index + 1)
    chunks.push(chunk)
    await bench.store.commit({
      accountId,
      target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
      operation: 'import',
      cause: 'test',
      chunks: [chunk],
      ids: [{ uniqueId: `${name}-${index}`, rows: 1, quarantined: 0 }],
      quarantined: [],
    })
  }
  return { table, chunks }
}

const filesOf = async (chunks: readonly NewChunk[]): Promise<number> => {
  const sizes = await Promise.all(chunks.map((chunk) => bench.objects.size(chunk.objectKey)))
  return sizes.filter((size) => size !== undefined).length
}

const rowsOf = async (tableId: number): Promise<number> => {
  const rows = await bench.postgres.query<{ count: number }>(sql`
    select (select count(*) from tables where id = ${tableId}) + (select count(*) from chunks where table_id = ${tableId})
         + (select count(*) from applied_ids where table_id = ${tableId})
         + (select count(*) from applied_places where table_id = ${tableId})
         + (select count(*) from snapshots where table_id = ${tableId})
         + (select count(*) from arrivals where table_id = ${tableId}) as count`)
  return must(rows[0], 'a count').count
}

async function sweepUntilQuiet(): Promise<number> {
  let total = 0
  for (let quiet = 0; quiet < 2;) {
    const removed = await bench.store.sweep()
    total += removed
    quiet = removed === 0 ? quiet + 1 : 0
  }
  return total
}

describe('a dropped table', () => {
  test('is readable by whoever opened it, until the grace period is over', async () => {
    const { table, chunks } = await fillTable('logs', 3)
    const [opened] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
    const snapshot = must(opened, 'the snapshot')
    await bench.store.dropTable(accountId, 'web', 'logs')
    await expect(bench.store.table(accountId, 'web', 'logs')).rejects.toMatchObject({ code: 'table_not_found' })

    expect(await sweepUntilQuiet()).toBe(0)
    bench.putForward(graceSeconds - 60)
    expect(await sweepUntilQuiet()).toBe(0)
    expect(await bench.store.findChunks(snapshot, everything)).toHaveLength(3)
    expect(await filesOf(chunks)).toBe(3)

    bench.putForward(120)
    expect(await sweepUntilQuiet()).toBe(3)
    expect(await filesOf(chunks)).toBe(0)
    expect(await rowsOf(table.id)).toBe(0)
    expect(await bench.store.findChunks(snapshot, everything)).toEqual([])
  })

  test('gives its name free at once, and its successor keeps its files', async () => {
    const first = await fillTable('logs', 2)
    await bench.store.dropTable(accountId, 'web', 'logs')
    const second = await fillTable('logs', 2)
    bench.putForward(graceSeconds + 60)
    expect(await sweepUntilQuiet()).toBe(2)
    expect(await filesOf(first.chunks)).toBe(0)
    expect(await filesOf(second.chunks)).toBe(2)
    expect(await bench.store.table(accountId, 'web', 'logs')).toMatchObject({ id: second.table.id, rows: 2 })
  })

  test('goes with its database', async () => {
    const { table, chunks } = await fillTable('logs', 2)
    await bench.store.dropDatabase(accountId, 'web')
    bench.putForward(graceSeconds + 60)
    expect(await sweepUntilQuiet()).toBe(2)
    expect(await filesOf(chunks)).toBe(0)
    expect(await rowsOf(table.id)).toBe(0)
    const left = await bench.postgres.query(sql`select 1 from databases where account_id = ${accountId}`)
    expect(left).toEqual([])
  })

  test('is swept by several processes at once without harm', async () => {
    const { table, chunks } = await fillTable('logs', 20)
    await bench.store.dropTable(accountId, 'web', 'logs')
    bench.putForward(graceSeconds + 60)
    await Promise.all(Array.from({ length: 4 }, () => bench.openAnother(bench.postgres).sweep()))
    await sweepUntilQuiet()
    expect(await filesOf(chunks)).toBe(0)
    expect(await rowsOf(table.id)).toBe(0)
  })
})

describe('an upload without a commit', () => {
  test('is removed after a day; committed and younger ones stay', async () => {
    const { table, chunks } = await fillTable('logs', 3)
    const place = { accountId, tableId: table.id }
    const abandoned = [await bench.uploadChunk(place, 0, 1), await bench.uploadChunk({ accountId, tableId: 0 }, 0, 1)]
    await bench.objects.put(`chunks/${accountId}/note.txt`, Buffer.from('not a chunk'))
    expect(await sweepUntilQuiet()).toBe(0)
    // The file's own time is the system's: the clock of the store goes ahead of both.
    bench.putForward(day + 60)
    const young = await bench.uploadChunk(place, 0, 1)
    expect(await sweepUntilQuiet()).toBe(2)
    expect(await filesOf(abandoned)).toBe(0)
    expect(await filesOf([...chunks, young])).toBe(4)
    expect(await bench.objects.size(`chunks/${accountId}/note.txt`)).toBeDefined()
  })

  test('is found among more uploads than one call looks at', async () => {
    const { chunks } = await fillTable('logs', 1)
    const abandoned: NewChunk[] = []
    for (let batch = 0; batch < 25; batch += 1) {
      const uploads = Array.from({ length: 50 }, () => bench.uploadChunk({ accountId, tableId: 1_000_000 }, 0, 1))
      abandoned.push(...(await Promise.all(uploads)))
    }
    bench.putForward(day + 60)
    const removed = [await bench.store.sweep(), await bench.store.sweep(), await bench.store.sweep()]
    expect(Math.max(...removed)).toBeLessThanOrEqual(1000)
    await sweepUntilQuiet()
    expect(await filesOf(abandoned)).toBe(0)
    expect(await filesOf(chunks)).toBe(1)
  })
})

describe('bytes of the quarantine', () => {
  test('go where no record has them; damaged stretches of the inbox stay', async () => {
    const { table } = await fillTable('logs', 1)
    const keys = ['1-0', '1-1', '2-0'].map((name) => `quarantine/${accountId}/${name}`)
    const damaged = 'quarantine/damaged/1-0'
    for (const key of [...keys, damaged]) await bench.objects.put(key, Buffer.from('bytes'))
    const record = { uniqueId: 'q', recordNumber: 0, byteOffset: 0, reason: 'json_syntax', detail: 'd' }
    await bench.store.quarantine(accountId, 'web', table.name, [
      { ...record, raw: Buffer.from('b'), rawBytes: 5, objectKey: must(keys[1], 'a key') },
    ])
    bench.putForward(day + 60)
    expect(await sweepUntilQuiet()).toBe(2)
    const sizes = await Promise.all([...keys, damaged].map((key) => bench.objects.size(key)))
    expect(sizes).toEqual([undefined, 5, undefined, 5])
  })
})

test('waits with what nothing refers to while a transaction is open that is as old', async () => {
  const { postgres } = bench
  await postgres.transaction(async (tx) => {
    await tx.query(sql`select 1`)
    expect(await hasOpenTransaction(postgres, 0)).toBe(true)
    expect(await hasOpenTransaction(postgres, 3600)).toBe(false)
  })
  expect(await hasOpenTransaction(postgres, 0)).toBe(false)
})
