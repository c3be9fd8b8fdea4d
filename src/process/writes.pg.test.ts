import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isAppError, must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Chunk, TableSnapshot } from '../store/store.ts'
import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench, QueryOptions } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

let bench: QueryBench
let accountId: number

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
  accountId = bench.owner.accountId
})
afterAll(() => bench.close())

const always = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]

const failure = async (text: string, options?: QueryOptions) => {
  const error = await bench.query(text, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAppError(error)) throw new Error(`${text} should have failed as expected: ${String(error)}`, { cause: error })
  return error
}

const values = async (text: string) => (await bench.query(text)).values

async function snapshotOf(name: string): Promise<TableSnapshot> {
  const [snapshot] = await bench.store.openSnapshot(accountId, [{ database: 'web', name }])
  return must(snapshot, 'the table')
}

const chunksOf = async (name: string): Promise<Chunk[]> => bench.store.findChunks(await snapshotOf(name), always)

/** Three chunks of an hour each; the codes are 1 to 4 in each, and one is NULL. */
async function loadHours(name: string): Promise<void> {
  const hour = (from: number) =>
    `select ${from} + i * 60 as time, nullif(i, 5) as code, concat('u', i, '-', ${from}) as user_id from range(1, 6) r(i)`
  const columns = [
    { name: 'code', type: parseType('bigint') },
    { name: 'user_id', type: parseType('varchar') },
  ]
  await bench.load(name, columns, [hour(0), hour(3600), hour(7200)])
}

/** What a merge does: the rows of all chunks in one. Answers false where another commit came first. */
async function mergeAll(name: string, uniqueId: string): Promise<void> {
  const snapshot = await snapshotOf(name)
  const removed = await bench.store.findChunks(snapshot, always)
  const { id: tableId, schemaVersion } = snapshot.table
  const chunks = []
  for (const old of removed) {
    const place = bench.store.newChunk({ accountId, tableId })
    await bench.objects.put(place.objectKey, await bench.objects.get(old.objectKey))
    chunks.push({ ...old, ...place, layer: 'archive' as const })
  }
  const outcome = await bench.store.commit({
    accountId,
    target: { tableId, schemaVersion, newColumns: [] },
    operation: 'merge',
    cause: uniqueId,
    chunks,
    removed: removed.map(({ id }) => id),
    ids: [],
    quarantined: [],
  })
  expect(outcome.kind).toBe('committed')
}

describe('DELETE', () => {
  test('takes exactly the rows for which the condition is true', async () => {
    await loadHours('exact')
    expect(await bench.query('delete from exact where code > 3')).toMatchObject({
      statement: 'delete',
      rows: 3,
      resultKey: null,
    })
    expect(await values('select count(*), count(code), max(code) from exact')).toEqual([['12', '9', '3']])
    expect(await bench.query('delete from exact where code is null')).toMatchObject({ rows: 3 })
    expect(await bench.query('delete from exact where not (code > 1)')).toMatchObject({ rows: 3 })
    expect(await values('select distinct code from exact order by 1')).toEqual([['2'], ['3']])
    expect(await bench.query('delete from exact where code = 99')).toMatchObject({ rows: 0 })
    expect((await snapshotOf('exact')).table).toMatchObject({ rows: 6 })
  })

  test('reads nothing where a condition on time takes whole chunks', async () => {
    await loadHours('by_time')
    const before = await chunksOf('by_time')
    const answer = await bench.query('delete from by_time as b where b.time >= 3600 and td_time_range(time, 0, 7200)')
    expect(answer).toMatchObject({ rows: 5, statistics: { runMs: 0 } })
    const after = await chunksOf('by_time')
    expect(after.map(({ id }) => id)).toEqual([before[0]?.id, before[2]?.id])
    const [parts] = [await bench.query('delete from by_time where time between 61 and 7260')]
    expect(parts.rows).toBe(5)
    expect(await values('select time from by_time order by 1')).toEqual(
      [60, 7320, 7380, 7440, 7500].map((time) => [String(time)]),
    )
  })

  test('may ask other tables, the table itself, and the table as it was', async () => {
    await loadHours('asking')
    await bench.query(`create table forget as select 'u1-0' as user_id union all select 'u2-3600'`)
    expect(await bench.query('delete from asking where user_id in (select user_id from forget)')).toMatchObject({
      rows: 2,
    })
    expect(await bench.query('delete from asking where time = (select max(time) from asking)')).toMatchObject({
      rows: 1,
    })
    const gone = 'user_id not in (select user_id from asking for version as of 1 where time < 7200)'
    expect(await bench.query(`delete from asking where ${gone} -- all`)).toMatchObject({ rows: 4 })
    expect(await values('select count(*) from asking')).toEqual([['8']])
  })

  test('keeps the layer and the columns of what stays', async () => {
    await loadHours('layers')
    await mergeAll('layers', 'm')
    const [first] = await chunksOf('layers')
    await bench.query('delete from layers where code = 1')
    const after = await chunksOf('layers')
    expect(after.map(({ layer, rows }) => [layer, rows])).toEqual([['archive', 12]])
    expect(after[0]?.statistics[6]).toMatchObject({ min: '2', max: '4' })
    expect(after[0]?.statistics[1]?.min).toBe('120')
    expect(first?.layer).toBe('archive')
  })

  test('is done once, however often the job is tried', async () => {
    await loadHours('once')
    const first = await bench.query('delete from once where code = 1')
    const { table } = await snapshotOf('once')
    expect(await bench.query('delete from once where code = 1', { jobId: first.jobId })).toMatchObject({ rows: 3 })
    expect((await snapshotOf('once')).table.snapshot).toBe(table.snapshot)
    const all = await bench.query('delete from once')
    expect(all.rows).toBe(12)
    await bench.query('insert into once (code) values (1)')
    expect(await bench.query('delete from once', { jobId: all.jobId })).toMatchObject({ rows: 12 })
    expect(await values('select count(*) from once')).toEqual([['1']])
  })

  test('goes on after a merge took its chunks, and leaves rows that came later', async () => {
    await loadHours('raced')
    let merges = 0
    const arrive = async () => void (await bench.query('insert into raced (time, code) values (9000, 1)'))
    const merge = async () => {
      merges += 1
      await mergeAll('raced', `m${merges}`)
      await arrive()
    }
    const answer = await bench.query('delete from raced where code = 1', { beforeCommit: [merge, merge, arrive] })
    expect(merges).toBe(2)
    expect(answer.rows).toBe(5)
    expect(await values('select count(*), count(*) filter (where code = 1) from raced')).toEqual([['13', '1']])
  })

  test('writes nothing for an attempt that lost its lease', async () => {
    await loadHours('fenced')
    const steal = ({ stage }: { stage: string }) =>
      stage === 'storing' && void bench.postgres.query(sql`delete from job_running`)
    expect(await failure('delete from fenced where code = 1', { onProgress: steal })).toMatchObject({
      code: 'lease_lost',
    })
    expect(await values('select count(*) from fenced')).toEqual([['15']])
  })

  test.each([
    ['delete from refused where random() < 0.5', 'function_not_allowed'],
    ['delete from refused where user_id = uuid()::varchar', 'function_not_allowed'],
    ['delete from refused where code in (select code from refused tablesample 1%)', 'function_not_allowed'],
    ['delete from refused where read_csv_auto(1)', 'query_semantic'],
    ['delete from refused where getenv(user_id)', 'function_not_allowed'],
    ['delete from refused where code = 1 limit 1', 'query_syntax'],
    ['delete from refused where code = 1 order by 1', 'query_syntax'],
    ['delete from refused where code = 1 group by code', 'query_syntax'],
    ['delete from refused where code = 1 union select true', 'query_syntax'],
    ['delete from refused where code = 1) or (true', 'query_syntax'],
    ['delete from refused where true) as boolean), false) or coalesce(cast((true', 'query_syntax'],
    ['delete from refused where cod = 1', 'query_semantic'],
    ['delete from refused where cast(user_id as bigint) = 1', 'query_data'],
    ['delete from nowhere where true', 'table_not_found'],
    ['delete from refused where code in (select code from nowhere)', 'table_not_found'],
  ])('%s fails with %s', async (text, code) => {
    await bench.query('create table if not exists refused as select 1 as code, $$u$$ as user_id')
    expect(await failure(text)).toMatchObject({ code })
    expect(await values('select count(*) from refused')).toEqual([['1']])
  })

  test('is told where the condition is wrong', async () => {
    await loadHours('placed')
    expect((await failure('delete from placed\n where cod = 1')).toRecord()).toMatchObject({
      hint: 'Did you mean "code"?',
      position: { line: 2, column: 8 },
    })
    expect((await failure('delete from placed where code >')).toRecord().position).toMatchObject({
      line: 1,
      column: 32,
    })
  })

  test('sees now() as one moment', async () => {
    await loadHours('moments')
    expect(await bench.query('delete from moments where to_timestamp(time) < now()')).toMatchObject({ rows: 15 })
  })
})

describe('MERGE INTO', () => {
  test('replaces the rows with the keys and adds the others', async () => {
    await bench.query(
      `create table merged as select i as id, concat('old', i) as name, i * 100 as time from range(1, 6) r(i)`,
    )
    const answer = await bench.query(
      `merge into merged key (id) select 4 as id, 'new4' as name, 900 as time union all select 9, 'new9', 901`,
    )
    expect(answer).toMatchObject({ statement: 'merge', rows: 2, resultKey: null })
    expect(await values('select id, name, time from merged order by id')).toEqual([
      ['1', 'old1', '100'],
      ['2', 'old2', '200'],
      ['3', 'old3', '300'],
      ['4', 'new4', '900'],
      ['5', 'old5', '500'],
      ['9', 'new9', '901'],
    ])
    const listed = await bench.query(`merge into merged (time, id) key (id, time) values (100, 1), (200, 7)`)
    expect(listed.rows).toBe(2)
    expect(await values('select id, name from merged where time < 300 order by id')).toEqual([
      ['1', null],
      ['2', 'old2'],
      ['7', null],
    ])
    expect(await bench.query('merge into merged key (id) select id, name from merged where false')).toMatchObject({
      rows: 0,
    })
  })

  test('is done once, and against all rows that are there by then', async () => {
    await bench.query('create table upserted as select 1 as id, 10 as n')
    let rounds = 0
    const beside = async () => {
      rounds += 1
      await bench.query(`insert into upserted (id, n) values (${rounds}, 0)`)
    }
    const merge = 'merge into upserted key (id) values (1, 5), (2, 6)'
    const first = await bench.query('merge into upserted (id, n) key (id) values (1, 5), (2, 6)', {
      beforeCommit: [beside, beside],
    })
    expect(first.rows).toBe(2)
    expect(await values('select id, n from upserted order by id, n')).toEqual([
      ['1', '5'],
      ['2', '6'],
    ])
    await bench.query('insert into upserted (id, n) values (1, 7)')
    await bench.query(merge, { jobId: first.jobId })
    expect(await values('select count(*) from upserted')).toEqual([['3']])
  })

  test.each([
    ['merge into keyed key (id) values (1, 1), (1, 2)', 'query_data'],
    ['merge into keyed (id, n) key (id) values (null, 1)', 'query_data'],
    ['merge into keyed key (nothing) select 1 as id', 'query_semantic'],
    ['merge into keyed key (n) select 1 as id', 'query_semantic'],
    ['merge into keyed key (id) select 1 as idd', 'query_semantic'],
    ['merge into nowhere key (id) select 1 as id', 'table_not_found'],
  ])('%s fails with %s', async (text, code) => {
    await bench.query('create table if not exists keyed as select 1 as id, 1 as n')
    expect(await failure(text)).toMatchObject({ code })
    expect(await values('select count(*) from keyed')).toEqual([['1']])
  })

  test('says which key comes twice', async () => {
    await bench.query(`create table twice as select 'a' as k, 1 as n`)
    const error = await failure(`merge into twice key (k, n) select 'b' as k, i % 2 as n from range(3) r(i)`)
    expect(error.message).toBe('The key (b, 0) comes 2 times in the rows to be merged.')
  })
})

describe('replacing all rows', () => {
  test('TRUNCATE takes all, once', async () => {
    await loadHours('emptied')
    const first = await bench.query('truncate table emptied')
    expect(first).toMatchObject({ statement: 'truncate', rows: 15 })
    expect(await bench.query('truncate emptied')).toMatchObject({ rows: 0 })
    await bench.query('insert into emptied (code) values (1)')
    expect(await bench.query('truncate table emptied', { jobId: first.jobId })).toMatchObject({ rows: 15 })
    expect(await values('select count(*) from emptied')).toEqual([['1']])
  })

  test('INSERT OVERWRITE puts the rows of the SELECT in their place', async () => {
    await loadHours('replaced')
    const answer = await bench.query('insert overwrite table replaced select * from replaced where code = 2', {
      beforeCommit: [() => mergeAll('replaced', 'm')],
    })
    expect(answer).toMatchObject({ statement: 'insert', rows: 3 })
    expect(await values('select distinct code from replaced')).toEqual([['2']])
    expect(await chunksOf('replaced')).toHaveLength(1)
    await bench.query('insert overwrite replaced select * from replaced where false')
    expect((await snapshotOf('replaced')).table.rows).toBe(0)
  })

  test('needs the right to all of the table', async () => {
    await loadHours('guarded')
    const reader = { ...bench.owner, keyKind: 'query' as const }
    for (const text of [
      'truncate guarded',
      'delete from guarded',
      'delete from guarded where code = 1',
      'merge into guarded key (code) select 1 as code',
      'insert overwrite guarded select * from guarded',
      'alter table guarded rename to other',
      'alter table guarded swap with other',
      'alter table guarded purge history',
      'alter table guarded set properties (expire_days = 3)',
      'undrop table guarded',
    ]) {
      expect(await failure(text, { principal: reader })).toMatchObject({ code: 'forbidden' })
    }
    expect(await values('select count(*) from guarded')).toEqual([['15']])
  })
})

describe('a table as it was', () => {
  test('is read by its version or its time, with the columns of then', async () => {
    await bench.query('create table past as select 1 as n')
    await bench.query('insert into past (n) values (2)')
    const between = new Date()
    await bench.query('delete from past where n = 1')
    expect(await values('select n from past for version as of 1')).toEqual([['1']])
    expect(await values('select n from past for version as of 2 order by n')).toEqual([['1'], ['2']])
    expect(await values(`select n from past for timestamp as of '${between.toISOString()}' p order by p.n`)).toEqual([
      ['1'],
      ['2'],
    ])
    expect(await values('select count(*) from web.past for system_version as of 0')).toEqual([['0']])
    const joined = 'from past for version as of 2 then_ full join past now_ using (n) select n, now_.n order by 1'
    expect(await values(joined)).toEqual([
      ['1', null],
      ['2', '2'],
    ])
    expect(await values('(from past for version as of 2 select n) except (from past select n)')).toEqual([['1']])
    const explained = await values('explain select n from past for version as of 2')
    expect(explained.map(([line]) => line)).toContain('Scan web.past at snapshot 2')
    const copied = await bench.query('create table past_copy as select * from past for version as of 2')
    expect(copied.rows).toBe(2)
  })

  test('is compared with itself by what differs alone', async () => {
    await loadHours('compared')
    await bench.query('delete from compared where time = 3660')
    await bench.query(`insert into compared (time, code) values (9000, 9)`)
    const changes = (to: number, from: number) =>
      `select * from compared for version as of ${to} since ${from}
       except all select * from compared for version as of ${from} since ${to}`
    const came = await bench.query(changes(3, 1))
    expect(came.values).toEqual([['9000', '9', null, null, null]])
    expect(came.statistics.scans.map(({ chunksOpened }) => chunksOpened)).toEqual([2, 1])
    expect(await values(changes(1, 3))).toEqual([['3660', '1', 'u1-3600', null, null]])
    expect(await failure('from compared for version as of 3 since 9')).toMatchObject({ code: 'snapshot_not_found' })
  })

  test('fails clearly where it never was, or is no longer kept', async () => {
    await bench.query('create table short as select 1 as n')
    await bench.query('insert into short (n) values (2)')
    await bench.query('truncate short')
    expect(await failure('select * from short for version as of 9')).toMatchObject({ code: 'snapshot_not_found' })
    expect(await failure(`select * from short for timestamp as of '2001-01-01'`)).toMatchObject({
      code: 'snapshot_not_found',
    })
    expect(await failure('select * from nowhere for version as of 1')).toMatchObject({ code: 'table_not_found' })
    await bench.query('alter table short set properties (history_hours = 0)')
    const error = await failure('select n from short for version as of 2')
    expect(error).toMatchObject({ code: 'snapshot_expired' })
    expect(error.hint).toContain('The oldest that can be read is 3')
    expect(await values('select count(*) from short for version as of 3')).toEqual([['0']])
    expect(await failure('select * from "@"."0"')).toMatchObject({ code: 'database_not_found' })
  })

  test('does not end within its history, until that is purged', async () => {
    await bench.query('create table purged as select 1 as n')
    await bench.query('delete from purged')
    expect(await values('select count(*) from purged for version as of 1')).toEqual([['1']])
    await bench.query('alter table purged purge history')
    expect(await failure('select * from purged for version as of 1')).toMatchObject({ code: 'snapshot_expired' })
  })
})

describe('statements about tables', () => {
  test('rename, once', async () => {
    await bench.query('create table named as select 1 as n')
    const first = await bench.query('alter table named rename to renamed')
    expect(first.statement).toBe('alter_table')
    await bench.query('create table named as select 2 as n')
    await bench.query('alter table named rename to renamed', { jobId: first.jobId })
    expect(await values('select n from renamed')).toEqual([['1']])
    expect(await values('select n from named')).toEqual([['2']])
    expect(await failure('alter table named rename to renamed')).toMatchObject({ code: 'already_exists' })
    expect(await failure('alter table nmed rename to x')).toMatchObject({ hint: 'Did you mean "named"?' })
  })

  test('swap, once', async () => {
    await bench.query('create table one as select 1 as n')
    await bench.query('create table other as select 2 as n')
    const first = await bench.query('alter table one swap with web.other')
    await bench.query('alter table one swap with web.other', { jobId: first.jobId })
    expect(await values('select one.n, other.n from one, other')).toEqual([['2', '1']])
    expect(await failure('alter table one swap with nothing')).toMatchObject({ code: 'table_not_found' })
    expect(await failure('alter table one swap with one')).toMatchObject({ code: 'invalid_request' })
  })

  test('bring a dropped table back', async () => {
    await bench.query('create table dropped as select 1 as n')
    await bench.query('drop table dropped')
    expect(await bench.query('undrop table dropped')).toMatchObject({ statement: 'undrop_table', rows: 1 })
    expect(await values('select n from dropped')).toEqual([['1']])
    expect(await failure('undrop table dropped')).toMatchObject({ code: 'table_not_found' })
  })

  test('set properties', async () => {
    await bench.query('create table kept as select 1 as n, 2 as m')
    await bench.query(`alter table kept set properties (expire_days = 30, cluster_by = 'm, n')`)
    await bench.query(`alter table kept set properties (history_hours = 48, schema_mode = 'freeze')`)
    const { settings } = (await snapshotOf('kept')).table
    expect(settings).toEqual({ expireDays: 30, historyHours: 48, schemaMode: 'freeze', clusterColumns: [7, 6] })
    await bench.query('alter table kept set properties (expire_days = null, history_hours = default)')
    expect((await snapshotOf('kept')).table.settings).toMatchObject({ expireDays: null, historyHours: 24 })
    for (const properties of [`expire_day = 3`, `expire_days = 'x'`, `cluster_by = 'x'`, `schema_mode = 'x'`]) {
      expect(await failure(`alter table kept set properties (${properties})`)).toMatchObject({ code: 'query_semantic' })
    }
    expect(await failure('alter table kept set properties (expire_days = 0.5)')).toMatchObject({
      code: 'invalid_request',
    })
  })
})
