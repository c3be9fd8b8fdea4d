import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { ChunkCondition } from './conditions.ts'
import { allOf, anyOf, anything, fieldsOf, isAnything, isNothing, nothing } from './conditions.ts'
import type { ColumnStatistics, TableSnapshot } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'
import { parseType } from './types.ts'

const within = (fieldId: number, low: string | null, high: string | null): ChunkCondition => ({
  kind: 'within',
  fieldId,
  low,
  high,
})

describe('conditions', () => {
  test('of parts that say everything or nothing are simple', () => {
    const some = within(6, '1', null)
    expect([allOf([]), allOf([anything, some]), allOf([some, nothing])]).toEqual([anything, some, nothing])
    expect([anyOf([]), anyOf([nothing, some]), anyOf([some, anything])]).toEqual([nothing, some, anything])
    expect([isAnything(anything), isNothing(nothing), isAnything(some)]).toEqual([true, true, false])
    expect(fieldsOf(allOf([some, anyOf([within(7, null, 'a'), { kind: 'null', fieldId: 8 }])]))).toEqual(
      new Set([6, 7, 8]),
    )
  })
})

let bench: StoreBench
let accountId: number
let snapshot: TableSnapshot

const all = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
const rows = 10

/** One chunk for each element, at the hours 0, 1, 2 …; field 6 is a bigint, 7 a double, 8 a varchar. */
const chunks: readonly Readonly<Record<number, ColumnStatistics>>[] = [
  { 6: { bytes: 1, nulls: 0, min: '1', max: '9' }, 7: { bytes: 1, nulls: 0, min: '1.0', max: '2.0', nan: false } },
  { 6: { bytes: 1, nulls: 3, min: '10', max: '100' }, 7: { bytes: 1, nulls: 0, min: '1.0', max: '2.0', nan: true } },
  {
    6: { bytes: 1, nulls: rows },
    7: { bytes: 1, nulls: 0, min: '1.0', max: '2.0' },
    8: { bytes: 1, nulls: 0, min: 'a' },
  },
  {},
]

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(5))
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  const columns = ['bigint', 'double', 'varchar'].map((type, index) => ({ name: `c${index}`, type: parseType(type) }))
  const table = await bench.store.createTable(accountId, 'web', 'logs', { columns })
  await bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: chunks.map((statistics, hour) => ({
      ...bench.store.newChunk({ accountId, tableId: table.id }),
      timeRange: { from: hour * 3600, to: hour * 3600 + 3600 },
      rows,
      bytes: 1,
      statistics,
      crc32: null,
    })),
    ids: [{ uniqueId: 'all', rows: rows * chunks.length, quarantined: 0 }],
    quarantined: [],
  })
  snapshot = await opened()
})
afterAll(() => bench.close())

async function opened(): Promise<TableSnapshot> {
  const [found] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
  return must(found, 'the snapshot')
}

async function hours(condition: ChunkCondition, of = snapshot): Promise<number[]> {
  const found = await bench.store.findChunks(of, all, { condition })
  return found.map((chunk) => chunk.timeRange.from / 3600)
}

describe('of chunks whose statistics are known in part', () => {
  test.each<[string, ChunkCondition, number[]]>([
    ['anything', anything, [0, 1, 2, 3]],
    ['nothing', nothing, []],
    ['a value that is in one', within(6, '5', '5'), [0, 3]],
    ['a value between two', within(6, '9', '9'), [0, 3]],
    ['numbers are not compared as text', within(6, '20', null), [1, 3]],
    ['a value that is in none', within(6, '200', '300'), [3]],
    ['any value', { kind: 'value', fieldId: 6 }, [0, 1, 3]],
    ['NULL', { kind: 'null', fieldId: 6 }, [1, 2, 3]],
    ['large doubles, which NaN is among', within(7, '3.0', null), [1, 2, 3]],
    ['large doubles, which NaN is not among', within(7, '3.0', '4.0'), [1, 2, 3]],
    ['small doubles', within(7, null, '0.5'), [3]],
    ['texts of which the upper bound is not known', within(8, 'z', null), [0, 1, 2, 3]],
    ['texts below the lower bound', within(8, null, 'Z'), [0, 1, 3]],
    ['a field that the table does not have', within(99, '1', '1'), [0, 1, 2, 3]],
    ['both', allOf([within(6, null, '9'), { kind: 'null', fieldId: 6 }]), [3]],
    ['either', anyOf([within(6, '200', null), { kind: 'null', fieldId: 6 }]), [1, 2, 3]],
  ])('%s finds those that can have it', async (_, condition, found) => {
    expect(await hours(condition)).toEqual(found)
  })

  test('only so many are found as have enough rows', async () => {
    expect(await bench.store.findChunks(snapshot, all, { rowsEnough: rows })).toHaveLength(1)
    expect(await bench.store.findChunks(snapshot, all, { rowsEnough: rows + 1 })).toHaveLength(2)
    expect(await bench.store.findChunks(snapshot, all, { rowsEnough: 1000 })).toHaveLength(4)
    expect(await bench.store.countChunks(snapshot, [{ from: 3600, to: 7201 }])).toBe(2)
  })
})

describe('of chunks from before a column', () => {
  test('all its values are NULL, where it was only added', async () => {
    const place = { accountId, tableId: snapshot.table.id }
    await bench.postgres.query(sql`
      insert into columns (account_id, table_id, field_id, name, type, position, added_version, restores)
      values (${place.accountId}, ${place.tableId}, 9, 'added', 'bigint', 9, 2, false),
             (${place.accountId}, ${place.tableId}, 10, 'restored', 'bigint', 10, 2, true)`)
    await bench.postgres.query(
      sql`update tables set schema_version = 2, next_field_id = 11 where id = ${place.tableId}`,
    )
    const later = await opened()
    expect(await hours(within(9, '1', '1'), later)).toEqual([])
    expect(await hours({ kind: 'value', fieldId: 9 }, later)).toEqual([])
    expect(await hours({ kind: 'null', fieldId: 9 }, later)).toEqual([0, 1, 2, 3])
    // Values of the second are looked for in `_rescued`, of which statistics say nothing.
    expect(await hours(within(10, '1', '1'), later)).toEqual([0, 1, 2, 3])
    expect(await hours({ kind: 'value', fieldId: 10 }, later)).toEqual([0, 1, 2, 3])
  })

  test('statistics of a field that took over another do not count', async () => {
    const { id } = snapshot.table
    await bench.postgres.query(
      sql`update columns set replaces = 5, added_version = 3 where table_id = ${id} and field_id = 6`,
    )
    await bench.postgres.query(sql`update tables set schema_version = 3 where id = ${id}`)
    expect(await hours(within(6, '5', '5'), await opened())).toEqual([0, 1, 2, 3])
    // Time is what it was.
    expect(await hours({ kind: 'null', fieldId: 1 }, await opened())).toEqual([0, 1, 2, 3])
  })
})
