import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { openLog } from '../../base/log.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import { mergeRules } from '../merge/rules.ts'
import { openUpkeep } from '../open-upkeep.ts'
import type { Layer } from '../store.ts'
import type { StoreBench } from '../testing/store-bench.ts'
import { openStoreBench } from '../testing/store-bench.ts'
import type { TableLayout, Upkeep } from '../upkeep.ts'

const hour = 3600
const mebibyte = 2 ** 20
/** An hour that has begun, so that no major merge is due in it. */
const now = Math.floor(Date.now() / 1000 / hour) * hour

let bench: StoreBench
let accountId: number
let tables = 0

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase())
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
})
afterAll(() => bench.close())

interface Lying {
  readonly from: number
  readonly to: number
  readonly layer?: Layer
  readonly bytes?: number
}

async function layoutOf(chunks: readonly Lying[]): Promise<TableLayout> {
  const name = `t${(tables += 1)}`
  const { id } = await bench.store.createTable(accountId, 'web', name)
  await bench.postgres.query(sql`
    insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics, added_snapshot)
    select gen_random_uuid(), ${accountId}, ${id}, layer, int8range(time_from, time_to), 10, bytes, 'x', '{}', 1
      from unnest(${chunks.map(({ from }) => from)}::bigint[], ${chunks.map(({ to }) => to)}::bigint[],
                  ${chunks.map(({ layer = 'archive' }) => layer)}::text[],
                  ${chunks.map(({ bytes = 100 * mebibyte }) => bytes)}::bigint[]) as c (time_from, time_to, layer, bytes)`)
  return await openedUpkeep().layout(accountId, 'web', name)
}

function openedUpkeep(): Upkeep {
  const ports = { clock: systemClock, randomness: systemRandomness, log: openLog('silent') }
  return openUpkeep({ ...bench, jobs: openJobs({ postgres: bench.postgres, ...ports }), clock: systemClock })
}

describe('the layout of a table', () => {
  test('of nothing is nothing', async () => {
    expect(await layoutOf([])).toEqual({
      snapshot: 0,
      layers: [],
      smallBytesMax: 16 * mebibyte,
      mergesDue: { minor: 0, major: 0, chunks: 0, bytes: 0 },
      overlap: { deepest: 0, average: 0, isExact: true },
      histogram: { stepSeconds: hour, steps: [] },
      largest: [],
      history: { chunks: 0, bytes: 0 },
      damaged: { chunks: 0, rows: 0 },
    })
  })

  test('counts layers, small files and hours', async () => {
    const layout = await layoutOf([
      { from: now, to: now + 10, layer: 'realtime', bytes: 1000 },
      { from: now + 20, to: now + 30, layer: 'realtime', bytes: 2000 },
      { from: now - 2 * hour, to: now - hour },
      { from: now - hour, to: now, bytes: 15 * mebibyte },
    ])
    expect(layout.layers).toEqual([
      {
        layer: 'realtime',
        chunks: 2,
        rows: 20,
        bytes: 3000,
        from: now,
        to: now + 30,
        smallChunks: 2,
        smallBytes: 3000,
      },
      {
        layer: 'archive',
        chunks: 2,
        rows: 20,
        bytes: 115 * mebibyte,
        from: now - 2 * hour,
        to: now,
        smallChunks: 1,
        smallBytes: 15 * mebibyte,
      },
    ])
    expect(layout.histogram).toEqual({
      stepSeconds: hour,
      steps: [
        { from: now - 2 * hour, realtime: 0, archive: 1, rows: 10, bytes: 100 * mebibyte },
        { from: now - hour, realtime: 0, archive: 1, rows: 10, bytes: 15 * mebibyte },
        { from: now, realtime: 2, archive: 0, rows: 20, bytes: 3000 },
      ],
    })
    expect(layout.largest.map(({ bytes }) => bytes)).toEqual([100 * mebibyte, 15 * mebibyte, 2000, 1000])
    expect(layout.overlap).toEqual({ deepest: 1, average: 1, isExact: true })
  })

  test('measures how deep chunks lie over one another', async () => {
    // 10 s with one, 10 s with two, 10 s with three, and a gap.
    const { overlap } = await layoutOf([
      { from: 0, to: 30 },
      { from: 10, to: 30 },
      { from: 20, to: 30 },
      { from: 1000, to: 1010 },
    ])
    expect(overlap.deepest).toBe(3)
    expect(overlap.average).toBeCloseTo((10 + 20 + 30 + 10) / 40)
  })

  test('looks at some times of a very large table', async () => {
    const layout = await layoutOf([{ from: 0, to: 1 }])
    const [{ id } = { id: 0 }] = await bench.postgres.query<{ id: number }>(
      sql`select max(id) as id from tables where account_id = ${accountId}`,
    )
    // Three over each time.
    await bench.postgres.query(sql`
      insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics, added_snapshot)
      select gen_random_uuid(), ${accountId}, ${id}, 'archive', int8range(i, i + 3), 1, 1, 'x', '{}', 1
        from generate_series(1, 51000) i`)
    const large = await openedUpkeep().layout(accountId, 'web', `t${tables}`)
    expect(layout.overlap.isExact).toBe(true)
    expect(large.overlap).toMatchObject({ deepest: 3, isExact: false })
    expect(large.overlap.average).toBeCloseTo(3, 1)
  })

  test('takes longer steps for longer times, before 1970 too', async () => {
    const year = 366 * 24 * hour
    const { histogram } = await layoutOf([
      { from: -year, to: -year + 1 },
      { from: -1, to: 5 },
      { from: year, to: year + 1 },
    ])
    expect(histogram.stepSeconds).toBe(8 * 24 * hour)
    expect(histogram.steps.map(({ from }) => from % histogram.stepSeconds)).toEqual([-0, -0, 0])
    expect(histogram.steps.map(({ archive }) => archive)).toEqual([1, 1, 1])
    expect(histogram.steps[1]?.from).toBe(-histogram.stepSeconds)
  })

  test('tells which merges are due', async () => {
    const small = Array.from({ length: mergeRules.fanIn }, () => ({
      from: now,
      to: now + 10,
      layer: 'realtime' as const,
      bytes: 1000,
    }))
    expect((await layoutOf(small)).mergesDue).toEqual({
      minor: 1,
      major: 0,
      chunks: mergeRules.fanIn,
      bytes: 1000 * mergeRules.fanIn,
    })
    expect((await layoutOf(small.slice(1))).mergesDue.chunks).toBe(0)
  })
})
