import type { QuarantinedRecord } from './quarantine.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'
import { parseType } from './types.ts'

let bench: StoreBench
let accountId: number

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
beforeEach(async () => {
  accountId = await bench.makeAccount()
})

describe('databases', () => {
  test('are made once, listed by name, and counted', async () => {
    const web = await bench.store.createDatabase(accountId, 'web')
    await bench.store.createDatabase(accountId, 'app')
    await bench.store.createTable(accountId, 'web', 'logs')
    expect(web).toMatchObject({ accountId, name: 'web', tableCount: 0 })
    expect(await bench.store.listDatabases(accountId)).toMatchObject([
      { name: 'app', tableCount: 0 },
      { name: 'web', tableCount: 1 },
    ])
    await expect(bench.store.createDatabase(accountId, 'web')).rejects.toMatchObject({ code: 'already_exists' })
    expect((await bench.store.createDatabase(accountId, 'web', { ifNotExists: true })).id).toBe(web.id)
  })

  test('made 20 times at once are one', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => bench.store.createDatabase(accountId, 'raced', { ifNotExists: true })),
    )
    expect(new Set(made.map((database) => database.id)).size).toBe(1)
  })

  test('say what is wrong', async () => {
    await expect(bench.store.createDatabase(accountId, 'Web')).rejects.toMatchObject({
      code: 'invalid_name',
      hint: 'Use "web".',
    })
    await expect(bench.store.createDatabase(1e9, 'web')).rejects.toMatchObject({ code: 'account_not_found' })
    await expect(bench.store.database(accountId, "no'such")).rejects.toMatchObject({ code: 'database_not_found' })
    await expect(bench.store.dropDatabase(accountId, 'web')).rejects.toMatchObject({ code: 'database_not_found' })
    await expect(bench.store.listTables(accountId, 'web')).rejects.toMatchObject({ code: 'database_not_found' })
  })

  test('of a dropped one the name is free, and nothing of it comes back', async () => {
    const first = await bench.store.createDatabase(accountId, 'web')
    await bench.store.createTable(accountId, 'web', 'logs')
    await bench.store.dropDatabase(accountId, 'web')
    await expect(bench.store.table(accountId, 'web', 'logs')).rejects.toMatchObject({ code: 'database_not_found' })
    const second = await bench.store.createDatabase(accountId, 'web')
    expect(second.id).not.toBe(first.id)
    expect(await bench.store.listTables(accountId, 'web')).toEqual([])
  })
})

describe('tables', () => {
  beforeEach(() => bench.store.createDatabase(accountId, 'web'))

  test('have the fixed columns, and those they are made with', async () => {
    const columns = [
      { name: 'code', type: parseType('bigint') },
      { name: 'tags', type: parseType('array(varchar)') },
      { name: 'Größe "x"', type: parseType('decimal(10,2)') },
    ]
    const table = await bench.store.createTable(accountId, 'web', 'logs', { columns })
    expect(table).toMatchObject({ database: 'web', name: 'logs', snapshot: 0, rows: 0, bytes: 0, nextFieldId: 10 })
    expect(table.columns).toEqual([
      { fieldId: 1, name: 'time', type: { kind: 'bigint' } },
      { fieldId: 6, ...columns[0] },
      { fieldId: 7, ...columns[1] },
      { fieldId: 9, ...columns[2] },
      { fieldId: 2, name: 'time_us', type: { kind: 'bigint' } },
      { fieldId: 3, name: '_rescued', type: parseType('map(varchar,varchar)') },
    ])
    expect(await bench.store.listTables(accountId, 'web')).toEqual([table])
  })

  test('say what is wrong', async () => {
    await bench.store.createTable(accountId, 'web', 'logs')
    const { store } = bench
    await expect(store.createTable(accountId, 'web', 'logs')).rejects.toMatchObject({ code: 'already_exists' })
    await expect(store.createTable(accountId, 'web', '1')).rejects.toMatchObject({ code: 'invalid_name' })
    await expect(store.createTable(accountId, 'none', 'a')).rejects.toMatchObject({ code: 'database_not_found' })
    await expect(store.table(accountId, 'web', 'none')).rejects.toMatchObject({ code: 'table_not_found' })
    await expect(store.dropTable(accountId, 'web', 'none')).rejects.toMatchObject({ code: 'table_not_found' })
    await expect(
      store.openSnapshot(accountId, [
        { database: 'web', name: 'logs' },
        { database: 'web', name: 'none' },
      ]),
    ).rejects.toMatchObject({ code: 'table_not_found' })
    const type = parseType('bigint')
    for (const names of [['time'], ['a', 'A'], ['']]) {
      const columns = names.map((name) => ({ name, type }))
      await expect(store.createTable(accountId, 'web', 'bad', { columns })).rejects.toMatchObject({
        code: 'invalid_name',
      })
    }
  })

  test('made 20 times at once are one', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => bench.store.createTable(accountId, 'web', 'raced', { ifNotExists: true })),
    )
    expect(new Set(made.map((table) => table.id)).size).toBe(1)
  })

  test('made while their database is dropped are either refused or dropped with it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const name = `d${round}`
      await bench.store.createDatabase(accountId, name)
      await Promise.allSettled([
        bench.store.createTable(accountId, name, 'a'),
        bench.store.dropDatabase(accountId, name),
        bench.store.createTable(accountId, name, 'b'),
      ])
      await bench.store.createDatabase(accountId, name)
      expect(await bench.store.listTables(accountId, name)).toEqual([])
    }
  })

  test('open together in the order asked for, the same one twice if need be', async () => {
    await bench.store.createTable(accountId, 'web', 'a')
    await bench.store.createDatabase(accountId, 'app')
    await bench.store.createTable(accountId, 'app', 'a')
    const names = [
      { database: 'web', name: 'a' },
      { database: 'app', name: 'a' },
      { database: 'web', name: 'a' },
    ]
    const snapshots = await bench.store.openSnapshot(accountId, names)
    expect(snapshots.map(({ table }) => table.database)).toEqual(['web', 'app', 'web'])
    expect(await bench.store.openSnapshot(accountId, [])).toEqual([])
  })

  test('are made once under one id', async () => {
    const once = { uniqueId: 'made' }
    const made = await bench.store.createTable(accountId, 'web', 'once', { once })
    expect(await bench.store.createTable(accountId, 'web', 'once', { once })).toMatchObject({ id: made.id })
    for (const options of [{}, { once: { uniqueId: 'other' } }])
      await expect(bench.store.createTable(accountId, 'web', 'once', options)).rejects.toMatchObject({
        code: 'already_exists',
      })
  })

  test('know the time of their newest row', async () => {
    const empty = await bench.store.createTable(accountId, 'web', 'empty')
    const { id: tableId, schemaVersion } = await bench.store.createTable(accountId, 'web', 'aged')
    const chunks = [
      await bench.uploadChunk({ accountId, tableId }, 5, 10),
      await bench.uploadChunk({ accountId, tableId }, 0, 3),
    ]
    await bench.store.commit({
      accountId,
      target: { tableId, schemaVersion, newColumns: [] },
      operation: 'import',
      cause: 'test',
      chunks,
      ids: [{ uniqueId: 'x', rows: 2, quarantined: 0 }],
      quarantined: [],
    })
    expect([...(await bench.store.newestTimes(accountId, [tableId, empty.id]))]).toEqual([[tableId, 9]])
    expect([...(await bench.store.newestTimes(accountId + 1, [tableId]))]).toEqual([])
  })
})

describe('the quarantine of a table that does not exist', () => {
  const record = (recordNumber: number | null, raw = Buffer.from('raw')): QuarantinedRecord => ({
    uniqueId: 'body-1',
    recordNumber,
    byteOffset: null,
    reason: 'json_syntax',
    detail: 'broken',
    raw,
    rawBytes: raw.byteLength,
    objectKey: null,
  })

  test('keeps records once, however often they are sent, and pages from the newest', async () => {
    const records = [record(null), record(0), record(1)]
    await bench.store.quarantine(accountId, 'no', 'table', records)
    await bench.store.quarantine(accountId, 'no', 'table', records)
    const first = await bench.store.listQuarantine(accountId, 'no', 'table', { limit: 2 })
    expect(first.map((entry) => entry.recordNumber)).toEqual([1, 0])
    const before = first.at(-1)?.id ?? 0
    const rest = await bench.store.listQuarantine(accountId, 'no', 'table', { limit: 2, before })
    expect(rest).toMatchObject([{ recordNumber: null, database: 'no', table: 'table', uniqueId: 'body-1' }])
  })

  test('takes many large records', async () => {
    const records = Array.from({ length: 120 }, (_, index) => record(index, Buffer.alloc(64 * 1024, index)))
    await bench.store.quarantine(accountId, 'no', 'large', records)
    const entries = await bench.store.listQuarantine(accountId, 'no', 'large', { limit: 1000 })
    expect(entries).toHaveLength(120)
    expect(entries.every((entry) => entry.raw.byteLength === 65_536 && entry.raw[0] === entry.recordNumber)).toBe(true)
  })
})
