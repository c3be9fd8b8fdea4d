import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import type { Chunk, Table } from '../store.ts'
import type { MergeBench } from '../testing/merge-bench.ts'
import { openMergeBench } from '../testing/merge-bench.ts'
import { parseType } from '../types.ts'
import { findSettledTables, submitMerges } from './request-merges.ts'
import { mergeRules as rules } from './rules.ts'

const hour = 3600
/** Twenty past the next hour: what the database says of the age of chunks has settled by then. */
const start = (Math.floor(Date.now() / 1000 / hour) + 1) * hour + 1200

let bench: MergeBench
let tables = 0

beforeAll(async () => {
  bench = await openMergeBench(await openTestDatabase())
})
afterAll(() => bench.close())

const columns = [
  { name: 'user_id', type: parseType('varchar') },
  { name: 'amount', type: parseType('decimal(10,2)') },
  { name: 'doc', type: parseType('json') },
  { name: 'Code', type: parseType('bigint') },
  { name: 'tags', type: parseType('array(varchar)') },
]

async function newTable(): Promise<Table> {
  bench.setClock(start * 1000)
  return await bench.createTable(`t${(tables += 1)}`, columns)
}

/** `rows` rows that begin at `from`, one each `step` seconds. */
async function load(table: Table, from: number, rows = 100, step = 1): Promise<void> {
  const select = `select ${from} + i * ${step} as time, 'user ' || (i * 7919) % 53 as user_id, i / 8.0 as amount,
    '{"i":' || i || '}' as doc, i as "Code", ['a', null, 'x' || i] as tags from range(${rows}) r(i)`
  await bench.add(table, [await bench.write(table, select)])
}

async function chunksOf(table: Table): Promise<readonly Chunk[]> {
  const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
  return snapshot === undefined ? [] : await bench.store.findChunks(snapshot, [{ from: -Infinity, to: Infinity }])
}

/** A number that every row and value has a part in, wherever it stands. */
const fingerprint = (table: Table) =>
  bench.scan(table.name, `select count(*)::varchar as rows, sum(hash(rows)::hugeint)::varchar as values from rows`)

/** Lets an hour pass, and what settles. */
const laterBy = (hours: number) => bench.setClock((start + hours * hour) * 1000)

describe('a job that merges', () => {
  test('makes one realtime chunk of many, in order of time, and changes no row', async () => {
    const table = await newTable()
    for (let index = 0; index < rules.fanIn; index += 1) await load(table, start + ((index * 37) % 50))
    const before = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: rules.fanIn, chunksAdded: 1 })
    const [chunk, ...others] = await chunksOf(table)
    expect(others).toEqual([])
    expect(chunk).toMatchObject({ layer: 'realtime', rows: 1600, sortedBy: [1] })
    expect(await fingerprint(table)).toEqual(before)
    expect(
      await bench.scan(
        table.name,
        'select count(*) as n from (select time < lag(time) over () as back from rows) where back',
      ),
    ).toEqual([{ n: '0' }])
    expect(await bench.merge(table)).toMatchObject({ merges: 0 })
  })

  test('puts large row groups into one file as they are, and sorts them when their hour is over', async () => {
    bench.setClock(start * 1000)
    const table = await bench.createTable(`t${(tables += 1)}`, [
      { name: 'user_id', type: parseType('varchar') },
      { name: 'price', type: parseType('double') },
      { name: 'share', type: parseType('double') },
      { name: 'tags', type: parseType('array(varchar)') },
    ])
    for (let index = 0; index < rules.fanIn; index += 1) {
      const select = `select ${start} + (i * 31) % 60 as time, 'user ' || (i * 7919 + ${index}) % 530 as user_id, i / 8 - ${index} as price,
        if(${index} = 3 and i = 5, 'nan'::double, 0.5) as share, ['a', null, 'x' || i % 10] as tags from range(62000) r(i)`
      await bench.add(table, [await bench.write(table, select)])
    }
    const before = await fingerprint(table)
    const inputs = await chunksOf(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: rules.fanIn, chunksAdded: 1 })
    expect(await fingerprint(table)).toEqual(before)
    const [chunk, ...others] = await chunksOf(table)
    expect(others).toEqual([])
    expect(chunk).toMatchObject({
      layer: 'realtime',
      rows: rules.fanIn * 62_000,
      timeRange: { from: start, to: start + 60 },
    })
    expect(chunk?.sortedBy).toBeUndefined()
    const factsOf = (name: string, of: Chunk | undefined = chunk) =>
      of?.statistics[table.columns.find((column) => column.name === name)?.fieldId ?? 0]
    expect(factsOf('user_id')).toMatchObject({ nulls: 0, min: 'user 0', max: 'user 99' })
    expect(factsOf('price')).toMatchObject({ nulls: 0, min: '-15.0', max: '7749.875', nan: false })
    expect(factsOf('share')).not.toHaveProperty('nan')
    for (const name of ['time', 'user_id', 'price', 'share']) {
      const bytes = inputs.map((input) => factsOf(name, input)?.bytes ?? 0)
      expect(factsOf(name)?.bytes).toBe(bytes.reduce((sum, own) => sum + own, 0))
    }
    laterBy(2)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: 1 })
    expect(await fingerprint(table)).toEqual(before)
    expect((await chunksOf(table)).map(({ layer, sortedBy }) => ({ layer, sortedBy }))).toEqual([
      { layer: 'archive', sortedBy: [1] },
    ])
  })

  const large = (from: number, name: string) =>
    `select ${start} + i % 60 as time, 'user ' || i % 530 as ${name} from range(${from}, ${from} + 62000) r(i)`

  test('puts row groups of different columns into one file', async () => {
    const table = await newTable()
    for (let index = 0; index < rules.fanIn - 5; index += 1) {
      await bench.add(table, [await bench.write(table, large(index, 'user_id'))])
    }
    for (let index = 0; index < 3; index += 1) await load(table, start + index, 2)
    for (let index = 0; index < 2; index += 1) await bench.add(table, [await bench.write(table, large(index, 'doc'))])
    const before = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: rules.fanIn, chunksAdded: 1 })
    expect(await fingerprint(table)).toEqual(before)
    const [chunk] = await chunksOf(table)
    const factsOf = (name: string) =>
      chunk?.statistics[table.columns.find((column) => column.name === name)?.fieldId ?? 0]
    expect(chunk?.rows).toBe((rules.fanIn - 3) * 62_000 + 6)
    expect(factsOf('user_id')).toMatchObject({ nulls: 2 * 62_000, min: 'user 0', max: 'user 99' })
    expect(factsOf('doc')).toMatchObject({ nulls: (rules.fanIn - 5) * 62_000, max: '{"i":1}' })
    expect(factsOf('Code')).toMatchObject({ nulls: (rules.fanIn - 3) * 62_000, min: '0', max: '1' })
    const counts = 'count(user_id) as users, count(doc) as docs, count("Code") as codes, count(tags) as tags'
    expect(await bench.scan(table.name, `select ${counts} from rows`)).toEqual([
      { users: String((rules.fanIn - 5) * 62_000 + 6), docs: String(2 * 62_000 + 6), codes: '6', tags: '6' },
    ])
    laterBy(2)
    await bench.merge(table)
    expect(await fingerprint(table)).toEqual(before)
  })

  test('writes small row groups anew that would make those of a file small on average', async () => {
    const table = await newTable()
    for (let index = 0; index < 6; index += 1) {
      await bench.add(table, [await bench.write(table, large(index, 'user_id'))])
    }
    for (let index = 6; index < rules.fanIn; index += 1) await load(table, start + index, 2)
    const before = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: rules.fanIn, chunksAdded: 2 })
    const merged = (await chunksOf(table)).toSorted((a, b) => b.rows - a.rows)
    expect(merged.map(({ rows }) => rows)).toEqual([6 * 62_000 + 6 * 2, 4 * 2])
    expect(await fingerprint(table)).toEqual(before)
  })

  test('leaves a chunk as it is that nothing beside it is like, until something is', async () => {
    const table = await newTable()
    const add = async (select: string) => bench.add(table, [await bench.write(table, select)])
    const addAlone = () => add(`select ${start} + i % 60 as time from range(31000) r(i)`)
    const [wide, alone] = [{ rows: (rules.fanIn - 1) * 31_000 }, { rows: 31_000 }]
    await addAlone()
    const [before] = await chunksOf(table)
    for (let index = 1; index < rules.fanIn; index += 1) {
      await add(
        `select ${start} + i % 60 as time, 'user' as user_id, i / 8.0 as amount, '{}' as doc, i as "Code" from range(31000) r(i)`,
      )
    }
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: rules.fanIn - 1, chunksAdded: 1 })
    const chunks = await chunksOf(table)
    expect(chunks).toHaveLength(2)
    expect(chunks).toContainEqual(expect.objectContaining(wide))
    expect(chunks.find(({ rows }) => rows === alone.rows)?.id).toBe(before?.id)
    for (let index = 1; index < rules.fanIn; index += 1) await addAlone()
    const all = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksAdded: 1 })
    expect((await chunksOf(table)).map(({ rows }) => rows)).toContain(rules.fanIn * 31_000)
    expect(await fingerprint(table)).toEqual(all)
  })

  test('writes no chunk of few rows anew all by itself', async () => {
    const table = await newTable()
    for (let index = 0; index < 8; index += 1) {
      await bench.add(table, [await bench.write(table, large(index, 'user_id'))])
    }
    for (let index = 0; index < 9; index += 1) await load(table, start + index, 2)
    const before = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: 16, chunksAdded: 1 })
    expect(await fingerprint(table)).toEqual(before)
  })

  test('knows of a double that it has no NaN where each file with the column has none', async () => {
    bench.setClock(start * 1000)
    const doubles = ['price', 'share', 'odd'].map((name) => ({ name, type: parseType('double') }))
    const table = await bench.createTable(`t${(tables += 1)}`, doubles)
    const selects = ['1.5::double as price', `2.5::double as share, 'nan'::double as odd`, '3.5::double as share']
    for (let index = 0; index < rules.fanIn; index += 1) {
      const select = `select ${start} + i % 60 as time, ${selects[index % 3]} from range(62000) r(i)`
      await bench.add(table, [await bench.write(table, select)])
    }
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksAdded: 1 })
    const [chunk] = await chunksOf(table)
    const facts = table.columns.map(({ name, fieldId }) => [name, chunk?.statistics[fieldId]?.nan])
    expect(Object.fromEntries(facts)).toMatchObject({ price: false, share: false, odd: undefined })
    const found = await bench.scan(table.name, `select count(*)::integer as n from rows where odd = 'nan'`)
    expect(found).toEqual([{ n: 5 * 62_000 }])
  })

  test('brings hours that are over into the archive, with what comes late', async () => {
    const table = await newTable()
    for (let index = 0; index < 5; index += 1) await load(table, start + index * 60)
    expect(await bench.merge(table)).toMatchObject({ merges: 0 })
    laterBy(1)
    const before = await fingerprint(table)
    expect(await bench.merge(table)).toMatchObject({ merges: 1, chunksRemoved: 5, chunksAdded: 1 })
    expect(await fingerprint(table)).toEqual(before)
    for (let index = 0; index < rules.archiveFanIn - 1; index += 1) {
      await load(table, start - index * 10, 3)
      laterBy(2 + index)
      await bench.merge(table)
    }
    const live = await chunksOf(table)
    expect(live.map(({ layer, rows }) => [layer, rows])).toEqual([['archive', 500 + 3 * (rules.archiveFanIn - 1)]])
  })

  test('sorts the archive by the columns that the table is clustered by', async () => {
    const table = await newTable()
    const userId = table.columns.find(({ name }) => name === 'user_id')?.fieldId ?? 0
    await bench.postgres.query(sql`update tables set cluster_columns = ${[userId]} where id = ${table.id}`)
    for (let index = 0; index < 3; index += 1) await load(table, start + index)
    laterBy(1)
    await bench.merge(table)
    const [chunk] = await chunksOf(table)
    expect(chunk?.sortedBy).toEqual([userId, 1])
    const unsorted = `select count(*) as n from (select (user_id, time) < lag((user_id, time)) over () as back from rows) where back`
    expect(await bench.scan(table.name, unsorted)).toEqual([{ n: '0' }])
  })

  test('gives way to others that change the table under it', async () => {
    const table = await newTable()
    for (let index = 0; index < rules.fanIn; index += 1) await load(table, start + index)
    const before = await fingerprint(table)
    const summaries = await Promise.all(Array.from({ length: 4 }, () => bench.merge(table)))
    expect(summaries.reduce((sum, { merges }) => sum + merges, 0)).toBe(1)
    expect(await fingerprint(table)).toEqual(before)
    const files = []
    for await (const { key } of bench.objects.list(`chunks/${bench.accountId}/${table.id}/`)) files.push(key)
    expect(files).toHaveLength(rules.fanIn + 1)
  })

  test('writes files in which a double is found by any that is equal', async () => {
    bench.setClock(start * 1000)
    const table = await bench.createTable(`t${(tables += 1)}`, [{ name: 'price', type: parseType('double') }])
    const price = `case i % 3 when 0 then '-0.0'::double when 1 then '-nan'::double else 8 end as price`
    const select = `select ${start} + i as time, ${price} from range(900) r(i)`
    for (let index = 0; index < rules.fanIn; index += 1) await bench.add(table, [await bench.write(table, select)])
    expect(await bench.merge(table)).toMatchObject({ merges: 1 })
    const count = (where: string) => bench.scan(table.name, `select count(*)::integer as n from rows where ${where}`)
    expect(await count('price = 0.0')).toEqual([{ n: 300 * rules.fanIn }])
    expect(await count(`price = 'nan'`)).toEqual([{ n: 300 * rules.fanIn }])
  })

  test('leaves columns out that none of the chunks has', async () => {
    const table = await newTable()
    for (let index = 0; index < rules.fanIn; index += 1) {
      await bench.add(table, [await bench.write(table, `select ${start + index} as time, ${index} as "Code"`)])
    }
    await bench.merge(table)
    const [chunk] = await chunksOf(table)
    expect(Object.keys(chunk?.statistics ?? {})).toHaveLength(2)
    expect(await bench.scan(table.name, 'select sum("Code") as s, count(tags) as n from rows')).toEqual([
      { s: '120', n: '0' },
    ])
  })
})

describe('merges are asked for', () => {
  const requests = (table: Table) =>
    bench.postgres.query(
      sql`select job_id is not null as has_job, again from merge_requests where table_id = ${table.id}`,
    )

  test('by chunks that come, once for several, and again for those that come meanwhile', async () => {
    const jobs = openJobs({ ...bench.options })
    const table = await newTable()
    for (let index = 0; index < 7; index += 1) await load(table, start, 1)
    expect(await requests(table)).toEqual([])
    await load(table, start, 1)
    expect(await requests(table)).toEqual([{ has_job: false, again: false }])
    await submitMerges({ postgres: bench.postgres, jobs })
    expect(await requests(table)).toEqual([{ has_job: true, again: false }])
    for (let index = 0; index < 8; index += 1) await load(table, start, 1)
    expect(await requests(table)).toEqual([{ has_job: true, again: true }])
    await bench.merge(table)
    expect(await requests(table)).toEqual([{ has_job: false, again: false }])
    await bench.merge(table)
    expect(await requests(table)).toEqual([])
  })

  test('when an hour is over', async () => {
    const table = await newTable()
    await load(table, start, 1)
    const ports = { postgres: bench.postgres, clock: bench.options.clock }
    await findSettledTables(ports)
    expect(await requests(table)).toEqual([])
    laterBy(1)
    await findSettledTables(ports)
    expect(await requests(table)).toEqual([{ has_job: false, again: false }])
  })
})
