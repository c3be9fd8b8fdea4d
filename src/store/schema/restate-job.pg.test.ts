import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import type { Chunk, Table, ColumnChange } from '../store.ts'
import type { MergeBench } from '../testing/merge-bench.ts'
import { openMergeBench } from '../testing/merge-bench.ts'
import { parseType } from '../types.ts'
import { submitRestating } from './request-restating.ts'
import { restateKind } from './restate-job.ts'

let bench: MergeBench
let tables = 0

beforeAll(async () => {
  bench = await openMergeBench(await openTestDatabase())
})
afterAll(() => bench.close())

const hour = 3600
const start = 1_700_000_000 - (1_700_000_000 % hour)

async function newTable(): Promise<Table> {
  const columns = [
    { name: 'code', type: parseType('bigint') },
    { name: 'path', type: parseType('varchar') },
  ]
  return await bench.createTable(`t${(tables += 1)}`, columns)
}

/** A row with an integer, and one whose code was rescued. */
async function load(table: Table, from: number, code = 200, rescued = '"abc"'): Promise<void> {
  const select = `select * from (values
    (${from}, ${code}, 'a', null),
    (${from + 1}, null, 'b', map{'code': '${rescued}'})) v (time, code, path, _rescued)`
  await bench.add(table, [await bench.write(table, select)])
}

/** A row that nothing was rescued of. */
async function loadPlain(table: Table, from: number): Promise<void> {
  await bench.add(table, [await bench.write(table, `select ${from} as time, 'plain' as path`)])
}

const alter = (table: Table, change: ColumnChange) =>
  bench.store.alterColumns(bench.accountId, { database: 'web', name: table.name }, [change])

async function chunksOf(table: Table): Promise<readonly Chunk[]> {
  const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
  return snapshot === undefined ? [] : await bench.store.findChunks(snapshot, [{ from: -Infinity, to: Infinity }])
}

async function isRestating(table: Table): Promise<unknown> {
  const rows = await bench.postgres.query<{ restating: boolean }>(
    sql`select restating from tables where id = ${table.id}`,
  )
  return rows[0]?.restating
}

const scan = (table: Table) => bench.scan(table.name, 'select * from rows order by time')

describe('a job that restates', () => {
  test('writes anew the files that a change concerns, together with their neighbours, and passes the others', async () => {
    const table = await newTable()
    for (let index = 0; index < 3; index += 1) await load(table, start + index * 10)
    await load(table, start + hour)
    await loadPlain(table, start + 100)
    const altered = await alter(table, { kind: 'change_type', name: 'code', type: parseType('varchar') })
    expect(await isRestating(table)).toBe(true)
    expect(await bench.restate(table)).toEqual({ passed: 1, chunksRemoved: 4, chunksAdded: 2, rows: 8 })
    expect(await isRestating(table)).toBe(false)
    const chunks = await chunksOf(table)
    expect(chunks.map(({ rows, schemaVersion, layer }) => [rows, schemaVersion, layer])).toEqual([
      [6, 2, 'realtime'],
      [1, 2, 'realtime'],
      [2, 2, 'realtime'],
    ])
    expect((await scan(table)).slice(0, 2)).toEqual([
      { time: `${start}`, code: '200', path: 'a', time_us: null, _rescued: null },
      { time: `${start + 1}`, code: 'abc', path: 'b', time_us: null, _rescued: null },
    ])
    // Nothing is rescued any more, so that no later change concerns what was.
    expect(chunks[0]?.statistics[4]?.nulls ?? 6).toBe(6)
    const [last] = await bench.postgres.query(sql`
      select operation, rows_added, rows_removed, schema_version from snapshots
       where table_id = ${table.id} order by snapshot desc limit 1`)
    expect(last).toMatchObject({ operation: 'restate', schema_version: altered.schemaVersion })
    expect(await bench.restate(table)).toEqual({ passed: 0, chunksRemoved: 0, chunksAdded: 0, rows: 0 })
  })

  test('keeps chunks of the archive one by one, in their order', async () => {
    const table = await newTable()
    await load(table, start, 3)
    await load(table, start + 10, 1)
    await bench.postgres.query(sql`update chunks set layer = 'archive' where table_id = ${table.id}`)
    await bench.postgres.query(
      sql`update tables set cluster_columns = '{6}', realtime_chunks = 0 where id = ${table.id}`,
    )
    const altered = await alter(table, { kind: 'change_type', name: 'code', type: parseType('double') })
    expect(await bench.restate(table)).toMatchObject({ chunksRemoved: 2, chunksAdded: 2 })
    const chunks = await chunksOf(table)
    expect(chunks.map(({ layer, sortedBy }) => [layer, sortedBy])).toEqual([
      ['archive', altered.settings.clusterColumns.concat(1)],
      ['archive', altered.settings.clusterColumns.concat(1)],
    ])
  })

  test('plans anew where rows went meanwhile, and never brings them back', async () => {
    const table = await newTable()
    for (let index = 0; index < 3; index += 1) await load(table, start + index * 10)
    const altered = await alter(table, { kind: 'rename_column', name: 'code', to: 'status' })
    const [gone] = await chunksOf(table)
    const engines = {
      ...bench.options.engines,
      run: async (...task: Parameters<typeof bench.options.engines.run>) => {
        const output = await bench.options.engines.run(...task)
        await bench.store.commit({
          accountId: bench.accountId,
          target: { tableId: table.id, schemaVersion: altered.schemaVersion, newColumns: [] },
          operation: 'delete',
          cause: 'test',
          chunks: [],
          removed: [gone?.id ?? ''],
          ids: [],
          quarantined: [],
        })
        return output
      },
    } as typeof bench.options.engines
    expect(await bench.restate(table, { engines })).toMatchObject({ chunksRemoved: 2, rows: 4 })
    expect(await scan(table)).toHaveLength(4)
    expect(await isRestating(table)).toBe(false)
  })

  test('goes on with a change that comes while it works', async () => {
    const table = await newTable()
    await load(table, start)
    await alter(table, { kind: 'change_type', name: 'code', type: parseType('varchar') })
    let changes = 0
    const engines = {
      ...bench.options.engines,
      run: async (...task: Parameters<typeof bench.options.engines.run>) => {
        const output = await bench.options.engines.run(...task)
        if ((changes += 1) === 1) await alter(table, { kind: 'change_type', name: 'code', type: parseType('bigint') })
        return output
      },
    } as typeof bench.options.engines
    expect(await bench.restate(table, { engines })).toMatchObject({ chunksRemoved: 1, rows: 2 })
    expect(await scan(table)).toMatchObject([
      { code: '200', _rescued: null },
      { code: null, _rescued: [{ key: 'code', value: '"abc"' }] },
    ])
    expect(await isRestating(table)).toBe(false)
  })

  test('is asked for once by as many schedulers as there are, and again where it failed', async () => {
    const table = await newTable()
    await load(table, start)
    await alter(table, { kind: 'drop_column', name: 'path' })
    const jobs = openJobs({ ...bench.options, postgres: bench.postgres })
    const ports = { postgres: bench.postgres, jobs, clock: bench.options.clock }
    const waiting = async () => {
      const rows = await jobs.list({ accountId: bench.accountId, kind: restateKind, limit: 100 })
      return rows.filter(({ input, state }) => {
        return (input as { tableId: number }).tableId === table.id && (state === 'queued' || state === 'delayed')
      })
    }
    await Promise.all(Array.from({ length: 3 }, () => submitRestating(ports)))
    await submitRestating(ports)
    const [first, ...others] = await waiting()
    expect(first).toMatchObject({ state: 'queued' })
    expect(others).toEqual([])
    await jobs.kill(bench.accountId, first?.id ?? 0, 'test')
    await submitRestating(ports)
    expect(await waiting()).toMatchObject([{ state: 'delayed' }])
    await bench.restate(table)
    for (const { id } of await waiting()) await jobs.kill(bench.accountId, id, 'test')
    await submitRestating(ports)
    expect(await waiting()).toEqual([])
    await jobs.stop()
  })
})
