import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import { Sql } from '../base/postgres/postgres.ts'
import { chunksStatement } from './chunks.sql.ts'
import type { NewChunk, TableSnapshot } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'
import { formatMultirange } from './time-ranges.ts'

const hour = 3600
const hours = 1000

let bench: StoreBench
let snapshot: TableSnapshot

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
  const accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  // Neighbours in the same index: a search by time alone would find theirs, too.
  for (const name of ['before', 'logs', 'after']) {
    const table = await bench.store.createTable(accountId, 'web', name)
    const chunks = Array.from({ length: hours }, (_, index): NewChunk => {
      const place = bench.store.newChunk({ accountId, tableId: table.id })
      const timeRange = { from: index * hour, to: (index + 1) * hour }
      return { ...place, timeRange, rows: 1, bytes: 1, statistics: {}, crc32: null }
    })
    await bench.store.commit({
      accountId,
      target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
      operation: 'import',
      cause: 'test',
      chunks,
      ids: [{ uniqueId: 'all', rows: hours, quarantined: 0 }],
      quarantined: [],
    })
  }
  const [opened] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
  snapshot = must(opened, 'the snapshot')
})
afterAll(() => bench.close())

const found = async (ranges: readonly { from: number; to: number }[]) =>
  (await bench.store.findChunks(snapshot, ranges)).map((chunk) => chunk.timeRange.from / hour)

describe('among 1,000 chunks over 1,000 hours', () => {
  test.each([
    ['one hour', [{ from: 500 * hour, to: 501 * hour }], [500]],
    ['one second', [{ from: 500 * hour, to: 500 * hour + 1 }], [500]],
    ['the last second of an hour', [{ from: 501 * hour - 1, to: 501 * hour }], [500]],
    ['across a border', [{ from: 501 * hour - 1, to: 501 * hour + 1 }], [500, 501]],
    ['an open start', [{ from: Number.NEGATIVE_INFINITY, to: 2 * hour }], [0, 1]],
    ['an open end', [{ from: 998 * hour + 1, to: Number.POSITIVE_INFINITY }], [998, 999]],
    [
      'several ranges, some of which overlap',
      [
        { from: 7 * hour, to: 8 * hour },
        { from: 3 * hour, to: 4 * hour },
        { from: 3 * hour, to: 5 * hour },
      ],
      [3, 4, 7],
    ],
    ['before all', [{ from: -10, to: 0 }], []],
    ['an empty range', [{ from: 5 * hour, to: 5 * hour }], []],
    ['no range', [], []],
  ])('%s opens the chunks that it touches, oldest first', async (_, ranges, expected) => {
    expect(await found(ranges)).toEqual(expected)
  })

  test('everything is everything', async () => {
    expect((await found([{ from: -Infinity, to: Infinity }])).length).toBe(hours)
    expect(snapshot.chunkCount).toBe(hours)
  })

  test('the GiST index is used, also for several ranges', async () => {
    const table = { accountId: snapshot.table.accountId, tableId: snapshot.table.id, snapshot: 1 }
    for (const ranges of [
      [{ from: 500 * hour, to: 501 * hour }],
      [1, 300, 900].map((at) => ({ from: at * hour, to: (at + 1) * hour })),
    ]) {
      const statement = chunksStatement({ ...table, ranges: formatMultirange(ranges) })
      const [row] = await bench.postgres.query<{ 'QUERY PLAN': unknown }>(
        new Sql(['explain (analyze, format json) ', ''], [statement]),
      )
      const plan = JSON.stringify(row?.['QUERY PLAN'])
      expect(plan).toContain('"Index Name":"chunks_by_time"')
      expect(plan).toMatch(/"Index Cond":"[^"]*table_id = [^"]*time_range && /)
      expect(plan).not.toContain('Seq Scan')
    }
  })

  test('a snapshot opened before a commit does not see it', async () => {
    const { accountId, id } = snapshot.table
    await bench.store.commit({
      accountId,
      target: { tableId: id, schemaVersion: 1, newColumns: [] },
      operation: 'insert',
      cause: 'test',
      chunks: [await bench.uploadChunk({ accountId, tableId: id }, 0, 1)],
      ids: [{ uniqueId: 'later', rows: 1, quarantined: 0 }],
      quarantined: [],
    })
    expect(await found([{ from: 0, to: hour }])).toEqual([0])
    const [later] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
    const now = await bench.store.findChunks(must(later, 'the snapshot'), [{ from: 0, to: hour }])
    expect(now.map((chunk) => chunk.addedSnapshot)).toEqual([1, 2])
  })
})
