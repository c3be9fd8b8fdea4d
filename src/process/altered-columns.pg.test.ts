import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { inProcessEngines } from '../base/engines/testing/in-process-engines.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { JobKind } from '../jobs/jobs.ts'
import { openJobs } from '../jobs/open-jobs.ts'
import { isFixedColumn } from '../store/columns.ts'
import { storeEngineHandlers } from '../store/engine-handlers.ts'
import { mergeJob } from '../store/merge/merge-job.ts'
import { restateJob } from '../store/schema/restate-job.ts'
import type { ImportedFiles } from '../store/schema/testing/imported-files.ts'
import { openImportedFiles } from '../store/schema/testing/imported-files.ts'
import type { Table } from '../store/store.ts'
import { attemptOf } from '../store/testing/merge-bench.ts'
import { queryEngineHandlers } from './engines/duckdb/handlers.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

const engines = inProcessEngines({
  ...queryEngineHandlers(systemClock),
  ...storeEngineHandlers(systemDisk),
})

let bench: QueryBench
let files: ImportedFiles
let name = ''
let tables = 0
let imports = 0

beforeAll(async () => {
  bench = await openQueryBench(engines)
  files = await openImportedFiles()
})
afterAll(async () => {
  await files.close()
  await bench.close()
})
beforeEach(async () => {
  name = `t${(tables += 1)}`
  await bench.store.createTable(bench.owner.accountId, 'web', name)
})

const table = (): Promise<Table> => bench.store.table(bench.owner.accountId, 'web', name)

/** Imports lines of JSON as a chunk, which may bring columns. */
async function load(...lines: readonly string[]): Promise<void> {
  const { id, accountId, columns, nextFieldId, schemaVersion } = await table()
  const known = columns.filter((column) => !isFixedColumn(column))
  const file = await files.write(lines.join('\n'), { format: 'ndjson', known, nextFieldId })
  const { newColumns, path, rows, bytes, timeRange, statistics } = file
  const place = bench.store.newChunk({ accountId, tableId: id })
  await bench.objects.putFile(place.objectKey, path)
  await bench.store.commit({
    accountId,
    target: { tableId: id, schemaVersion, newColumns },
    operation: 'import',
    cause: 'test',
    chunks: [{ ...place, rows, bytes, timeRange, statistics, crc32: null }],
    ids: [{ uniqueId: `import ${(imports += 1)}`, rows, quarantined: 0 }],
    quarantined: [],
  })
}

const ask = async (text: string) => (await bench.query(text.replaceAll('@t', name))).values
const alter = (text: string) => bench.query(`alter table ${name} ${text}`)

async function perform(kind: (options: Parameters<typeof restateJob>[0]) => JobKind): Promise<unknown> {
  const ports = { clock: systemClock, disk: systemDisk, log: openLog('silent'), randomness: systemRandomness }
  const jobs = openJobs({ postgres: bench.postgres, ...ports })
  const limits = { memoryBytes: 300e6, temporaryBytes: 1e9, threads: 2, residentBytesMax: 2e9, timeoutMs: 60_000 }
  const { store, objects, postgres, folder } = bench
  const options = {
    ...ports,
    store,
    objects,
    postgres,
    engines,
    limits,
    scratchDirectory: `${folder}/upkeep`,
    concurrency: 1,
  }
  const { handler, kind: of } = kind(options)
  const { id: tableId, accountId } = await table()
  const { job } = await jobs.submit({ accountId, kind: of, input: { tableId } })
  const output = await handler(await attemptOf(postgres, job))
  await jobs.stop()
  return output
}

const restate = () => perform(restateJob)
const merge = () => perform(mergeJob)

/** The same before the files are written anew, afterwards, and when they were merged. */
async function expectAlways(text: string, values: readonly unknown[][]): Promise<void> {
  expect(await ask(text)).toEqual(values)
  await restate()
  expect(await ask(text)).toEqual(values)
  await merge()
  expect(await ask(text)).toEqual(values)
}

describe('the type of a column that changes', () => {
  test('leaves the first rows of an order as easy to find as before', async () => {
    await load('{"time":1,"code":"x","size":7}', '{"time":2,"code":"y","size":8}')
    await alter('drop column code')
    await alter('alter column size type varchar')
    await alter('add column code varchar')
    await alter('alter column size type bigint')
    await alter('alter column size type varchar')
    await expectAlways('select time, size, code from @t order by size desc limit 1', [['2', '8', null]])
    await expectAlways('select max(size), max_by(size, time) from @t', [['8', '8']])
  })

  test('brings back what was rescued, and rescues what no longer fits', async () => {
    await load('{"time":1,"code":1}', '{"time":2,"code":2}')
    await load('{"time":3,"code":"200"}')
    await load('{"time":4,"code":"abc"}')
    const all = `select code, _rescued['code'] from @t order by time`
    expect(await ask(all)).toEqual([
      ['1', null],
      ['2', null],
      ['200', null],
      [null, '"abc"'],
    ])

    await alter('alter column code set data type varchar')
    const texts = [
      ['1', null],
      ['2', null],
      ['200', null],
      ['abc', null],
    ]
    expect(await ask(all)).toEqual(texts)
    await load('{"time":5,"code":1.50}')
    await expectAlways(all, [...texts, ['1.50', null]])

    await alter('alter column code type double')
    expect(await ask(`describe @t`)).toContainEqual(['code', 'double'])
    await expectAlways(all, [
      [1, null],
      [2, null],
      [200, null],
      [null, '"abc"'],
      [1.5, null],
    ])

    await alter('rename column code to status')
    await load('{"time":6,"code":true,"status":7}', '{"time":7,"status":"x"}')
    await expectAlways(`select status, code, _rescued['status'], _rescued['code'] from @t order by time`, [
      [1, null, null, null],
      [2, null, null, null],
      [200, null, null, null],
      [null, null, '"abc"', null],
      [1.5, null, null, null],
      [7, true, null, null],
      [null, null, '"x"', null],
    ])
  })

  test('is asked for in one go, all at once, over chunks of every version', async () => {
    for (let index = 0; index < 20; index += 1) {
      await load(`{"time":${index},"code":${index % 3 === 0 ? `"${index}x"` : index}}`)
      if (index === 5) await alter('alter column code type varchar')
      if (index === 11) await alter('alter column code type decimal(9,1)')
    }
    const sums = `select count(*), count(code), sum(code)::varchar, count(_rescued['code']) from @t where time < 100`
    await expectAlways(sums, [['20', '13', '127.0', '7']])
    expect((await bench.query(`select code from ${name} where code > 18.5`)).values).toEqual([['19.0']])
  })

  test('leaves the past as it was', async () => {
    await load('{"time":1,"code":1,"gone":"a"}')
    const { snapshot } = await table()
    await alter('alter column code type varchar')
    await alter('drop column gone')
    const now = [['1', '1']]
    expect(await ask('select * exclude (_rescued, time_us) from @t')).toEqual(now)
    const then = `select * exclude (_rescued, time_us) from @t for version as of ${snapshot}`
    expect(await ask(then)).toEqual([['1', '1', 'a']])
    await restate()
    expect(await ask(then)).toEqual([['1', '1', 'a']])
    expect(await ask('select * exclude (_rescued, time_us) from @t')).toEqual(now)
  })
})

describe('columns that are added and dropped', () => {
  test('get what was rescued of their name, and take it away', async () => {
    await bench.store.setProperties(bench.owner.accountId, { database: 'web', name }, { schemaMode: 'freeze' })
    await load('{"time":1,"A":"1","a":2}')
    await load('{"time":2,"a":"x"}')
    await alter('rename column "A" to b')
    await alter('add column a bigint')
    await expectAlways(`select b, a, _rescued['a'], _rescued['b'] from @t order by time`, [
      ['1', '2', null, null],
      [null, null, '"x"', null],
    ])
    await alter('drop column a')
    await expectAlways('select b, _rescued from @t order by time', [
      ['1', null],
      [null, null],
    ])
  })

  test('stay with the rows that are written on', async () => {
    await load('{"time":1,"code":"a","n":1}', '{"time":2,"code":"b","n":2}')
    await alter('alter column n type varchar')
    await alter('rename column code to letter')
    await bench.query(`delete from ${name} where letter = 'a'`)
    await bench.query(`insert into ${name} (time, letter, n) values (3, 'c', '3')`)
    await expectAlways('select letter, n from @t order by time', [
      ['b', '2'],
      ['c', '3'],
    ])
  })

  test('are made with a table', async () => {
    await bench.query('create table made (time bigint, id integer, tags array(varchar))')
    expect((await bench.query('describe made')).values).toEqual([
      ['time', 'bigint'],
      ['id', 'bigint'],
      ['tags', 'array(varchar)'],
      ['time_us', 'bigint'],
      ['_rescued', 'map(varchar,varchar)'],
    ])
    await expect(bench.query('create table made (id integer)')).rejects.toMatchObject({ code: 'already_exists' })
    await bench.query('create table if not exists made (id integer)')
    await expect(bench.query('create table two (id int, ID int)')).rejects.toMatchObject({ code: 'invalid_name' })
  })

  test('are refused with what may be meant', async () => {
    await load('{"time":1,"code":1}')
    await expect(alter('drop column cod')).rejects.toMatchObject({
      code: 'column_not_found',
      hint: 'Did you mean "code"?',
    })
    await expect(alter('alter column time type varchar')).rejects.toMatchObject({ code: 'invalid_request' })
    const reader = { ...bench.owner, keyKind: 'query' as const }
    const denied = bench.query(`alter table ${name} drop column code`, { principal: reader })
    await expect(denied).rejects.toMatchObject({ code: 'forbidden' })
    const [row] = await bench.postgres.query(sql`select restating from tables where name = ${name}`)
    expect(row).toEqual({ restating: false })
  })
})
