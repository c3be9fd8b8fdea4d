import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { sql } from '../base/postgres/postgres.ts'
import { insertAppliedIds } from './commit.sql.ts'
import { forgetThePast } from './retention.ts'
import type { AppliedRange, Commit, CommitOutcome, Table } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { graceSeconds, openStoreBench } from './testing/store-bench.ts'

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

type Ends = readonly [from: number, to: number]

const rangesOf = (ends: readonly Ends[]): AppliedRange[] =>
  ends.map(([from, to]) => ({ from, to, rows: to - from, quarantined: 0 }))

/** Commits what lies at the places; a row for each byte, so that it shows what is there. */
async function commit(ends: readonly Ends[], more: Partial<Commit> = {}): Promise<CommitOutcome> {
  const rows = ends.reduce((sum, [from, to]) => sum + to - from, 0)
  const place = bench.store.newChunk({ accountId, tableId: table.id })
  return await bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'job:1',
    chunks: [{ ...place, timeRange: { from: 0, to: 1 }, rows, bytes: 1, statistics: {}, crc32: null }],
    ids: [],
    places: { segment: 'a1', ranges: rangesOf(ends) },
    quarantined: [],
    ...more,
  })
}

const known = (from = 0, to = 1000, segment = 'a1') =>
  bench.store.appliedPlaces(accountId, table.id, { segment, from, to })
const rowsNow = async (): Promise<number> => (await bench.store.table(accountId, 'web', 'logs')).rows

describe('places that were applied', () => {
  test('are known by whatever touches them, and by nothing else', async () => {
    expect(
      await commit([
        [10, 20],
        [30, 40],
      ]),
    ).toMatchObject({ kind: 'committed' })
    expect(await known()).toEqual(
      rangesOf([
        [10, 20],
        [30, 40],
      ]),
    )
    expect(await known(20, 30)).toEqual([])
    expect(await known(19, 31)).toEqual(
      rangesOf([
        [10, 20],
        [30, 40],
      ]),
    )
    expect(await known(0, 1000, 'a2')).toEqual([])
    expect(await bench.store.appliedPlaces(accountId + 1, table.id, { segment: 'a1', from: 0, to: 99 })).toEqual([])
  })

  test.each<[string, Ends]>([
    ['the same', [10, 20]],
    ['a part', [12, 13]],
    ['more at both ends', [5, 25]],
    ['the last byte', [19, 30]],
    ['the first byte', [1, 11]],
  ])('undo a commit that has %s of them', async (_, ends) => {
    await commit([
      [0, 1],
      [10, 20],
      [40, 50],
    ])
    const outcome = await commit([ends, [60, 70]])
    expect(outcome).toEqual({
      kind: 'duplicate',
      known: [],
      knownPlaces: rangesOf([
        [10, 20],
        [40, 50],
      ]),
    })
    expect(await known(55, 99)).toEqual([])
    expect(await rowsNow()).toBe(21)
  })

  test('let a commit between them pass, and the same places of other segments and tables', async () => {
    await commit([
      [10, 20],
      [30, 40],
    ])
    expect(
      (
        await commit([
          [0, 10],
          [20, 30],
          [40, 50],
        ])
      ).kind,
    ).toBe('committed')
    expect((await commit([[10, 20]], { places: { segment: 'a2', ranges: rangesOf([[10, 20]]) } })).kind).toBe(
      'committed',
    )
    const other = await bench.store.createTable(accountId, 'web', 'other')
    const target = { tableId: other.id, schemaVersion: other.schemaVersion, newColumns: [] }
    expect((await commit([[10, 20]], { target })).kind).toBe('committed')
  })

  test('undo ids of the same commit, and ids undo them', async () => {
    const id = { uniqueId: 'x', rows: 0, quarantined: 0 }
    await commit([[10, 20]], { ids: [id] })
    const other = { ...id, uniqueId: 'y' }
    expect(await commit([[15, 16]], { ids: [other] })).toMatchObject({ kind: 'duplicate', known: [] })
    expect(await bench.store.appliedIds(accountId, table.id, ['y'])).toEqual([])
    expect(await commit([[50, 60]], { ids: [id] })).toEqual({ kind: 'duplicate', known: [id], knownPlaces: [] })
    expect(await known(50, 60)).toEqual([])
  })

  test('of 30 commits at once that touch each other are applied once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, index) => commit([[index, 40 + index]])))
    expect(outcomes.filter(({ kind }) => kind === 'committed')).toHaveLength(1)
    expect(await rowsNow()).toBe(40)
  })

  test('have to be in order and apart', async () => {
    await expect(
      commit([
        [10, 20],
        [15, 30],
      ]),
    ).rejects.toThrow('in order')
    await expect(
      commit([
        [10, 20],
        [0, 5],
      ]),
    ).rejects.toThrow('in order')
    await expect(commit([[10, 10]])).rejects.toThrow('in order')
  })

  test('are forgotten as ids are, and go with their table', async () => {
    await commit([[10, 20]])
    const forget = () => forgetThePast({ postgres: bench.postgres, clock: systemClock, uniqueIdDays: 30 })
    const age = (days: number) =>
      bench.postgres.query(sql`
      update applied_places set committed_at = committed_at - make_interval(days => ${days}) where table_id = ${table.id}`)
    await age(29)
    await forget()
    expect(await known()).toHaveLength(1)
    await age(2)
    await forget()
    expect(await known()).toEqual([])
    await commit([[30, 40]])
    await bench.store.dropTable(accountId, 'web', 'logs')
    bench.putForward(graceSeconds * 1000)
    const left = () => bench.postgres.query(sql`select 1 from applied_places where table_id = ${table.id}`)
    for (let tries = 0; tries < 20 && (await left()).length > 0; tries += 1) await bench.store.sweep()
    expect(await left()).toEqual([])
  })
})

describe('the version before, which keeps an id for each place', () => {
  const idAt = (from: number) => ({ uniqueId: `inbox:a1:${from}`, rows: 1, quarantined: 0 })
  const insert = (...ids: { uniqueId: string; rows: number; quarantined: number }[]) =>
    insertAppliedIds(bench.postgres, { accountId, tableId: table.id, snapshot: 7 }, ids)

  test('finds applied what lies in a range', async () => {
    await commit([[10, 20]])
    expect(await insert(idAt(9), idAt(10), idAt(19), idAt(20), { ...idAt(0), uniqueId: 'own' })).toEqual([
      'inbox:a1:9',
      'inbox:a1:20',
      'own',
    ])
  })

  test('has its places found applied', async () => {
    expect(await insert(idAt(12), idAt(14))).toHaveLength(2)
    expect(await insert(idAt(12), idAt(16))).toEqual(['inbox:a1:16'])
    const single = (from: number) => ({ from, to: from + 1, rows: 1, quarantined: 0 })
    expect(await known()).toEqual([12, 14, 16].map(single))
    expect(await commit([[10, 20]])).toMatchObject({ kind: 'duplicate' })
    expect(
      (
        await commit([
          [0, 12],
          [17, 30],
        ])
      ).kind,
    ).toBe('committed')
  })
})
