import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Principal } from '../access/access.ts'
import { isAppError } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench, QueryOptions } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
  await bench.load(
    'logs',
    [
      { name: 'code', type: parseType('bigint') },
      { name: 'path', type: parseType('varchar') },
      { name: 'tags', type: parseType('map(varchar,varchar)') },
      { name: 'extra', type: parseType('json') },
    ],
    [
      `select 1000 as time, 200 as code, '/a' as path, map{'k':'v'} as tags, '{"n":1}' as extra`,
      `select 5000 + i as time, 400 + i as code, '/b' as path, null as tags, null as extra from range(3) r(i)`,
    ],
  )
})
afterAll(() => bench.close())

const failure = async (text: string, options?: QueryOptions) => {
  const error = await bench.query(text, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAppError(error)) throw new Error(`${text} should have failed as expected: ${String(error)}`, { cause: error })
  return error
}

describe('a SELECT', () => {
  test('answers rows, with names, types and statistics', async () => {
    const answer = await bench.query('select path, count(*) as n from logs where time >= 5000 group by path')
    expect(answer).toMatchObject({
      statement: 'select',
      columns: [
        { name: 'path', type: { kind: 'varchar' } },
        { name: 'n', type: { kind: 'bigint' } },
      ],
      rows: 1,
      values: [['/b', '3']],
      statistics: {
        scans: [
          {
            database: 'web',
            table: 'logs',
            snapshot: 1,
            chunksOpened: 1,
            chunksTotal: 2,
            columns: ['time', 'path'],
            timeRanges: [[5000, null]],
          },
        ],
      },
    })
    expect(answer.statistics.bytesScanned).toBeGreaterThan(0)
    expect(answer.resultBytes).toBe(Buffer.from(answer.inline ?? '', 'base64').byteLength)
  })

  const incompressible = Array.from({ length: 100 }, (_, n) => `md5('${n}' || code)`).join(' || ')
  test.each([
    ['with its job where it is small', 'select 1', true],
    ['as an object where it is larger', `select ${incompressible} from web.logs`, false],
    ['with its job where DuckDB wrote a small one', 'select [code] from web.logs', true],
    ['as an object where DuckDB wrote a larger one', 'select range(3000 + code) from web.logs', false],
  ])('stores its answer %s', async (_, statement, isInline) => {
    const { inline, resultKey, resultBytes } = await bench.query(statement)
    expect(await bench.objects.size(resultKey ?? '')).toBe(isInline ? undefined : resultBytes)
    expect(inline === undefined ? undefined : Buffer.from(inline, 'base64').byteLength).toBe(
      isInline ? resultBytes : undefined,
    )
  })

  test('keeps the order of the rows, and names that come twice', async () => {
    const answer = await bench.query('select code as a, time as a from web.logs order by code desc')
    expect(answer.columns.map(({ name }) => name)).toEqual(['a', 'a'])
    expect(answer.values.map(([code]) => code)).toEqual(['402', '401', '400', '200'])
  })

  test('reads nested values and JSON', async () => {
    const answer = await bench.query(`select tags['k'], extra->>'n', extra from logs where code = 200`)
    expect(answer.values).toEqual([['v', '1', '{"n":1}']])
    expect(answer.columns.map(({ type }) => type.kind)).toEqual(['varchar', 'varchar', 'json'])
  })

  test('finds names in upper case, and comments and semicolons do not matter', async () => {
    const answer = await bench.query('-- first\nSELECT COUNT(*) FROM Web.LOGS /* ; */ ; -- done')
    expect(answer.values).toEqual([['4']])
  })

  test('needs no table, and tells the time of the job or of its schedule', async () => {
    expect((await bench.query('select td_scheduled_time()', { database: null })).values).toEqual([['1700000000']])
    const scheduled = { database: null, scheduledTime: 1_650_000_000 }
    expect((await bench.query('select td_scheduled_time()', scheduled)).values).toEqual([['1650000000']])
  })

  test('leaves nothing in the scratch directory', async () => {
    await bench.query('select 1')
    await failure('select nothing from logs')
    // Directories of kept instances stay, and nothing is in them.
    const left = await readdir(join(bench.folder, 'scratch'), { recursive: true })
    expect(left.filter((name) => !/^windows(?:\/\d+\.\d+)?$/.test(name))).toEqual([])
  })

  test.each([
    ['values (1, 2), (3, 4)', 2],
    ['table logs', 4],
    ['from logs', 4],
    ['(select 1)', 1],
    ['with a as (select * from logs), logs as (select * from a limit 2) select * from logs', 2],
    ['with recursive r(i) as (select 1 union all select i + 1 from r where i < 5) select * from r', 5],
    ['summarize logs', 7],
    ['from (pivot logs on code in (200, 401) using count(*) group by path)', 2],
    ['select * exclude (extra) replace (code + 1 as code) from logs', 4],
    ['select columns(*) from logs', 4],
    ['select unnest(range(10)) limit 3', 3],
    ['select * from logs order by code desc limit 1 -- the last', 1],
    ['select l.code from web.logs l, lateral (select l.code + 1 as more) where web.l.code > 400', null],
    ['select logs.code, web.logs.path from web.logs', 4],
  ])('can be %s', async (text, rows) => {
    if (rows === null) expect(await failure(text)).toMatchObject({ code: 'query_semantic' })
    else expect(await bench.query(text)).toMatchObject({ statement: 'select', rows })
  })

  test('reports its stages', async () => {
    const stages: string[] = []
    await bench.query('select 1', { onProgress: ({ stage }) => stages.push(stage) })
    expect(stages).toEqual(['planning', 'running', 'storing'])
  })
})

describe('the catalog', () => {
  test('is shown', async () => {
    expect((await bench.query('show databases')).values).toEqual([['web', expect.any(String)]])
    expect((await bench.query("show tables from web like 'lo%'")).values).toEqual([['logs', '4', expect.any(String)]])
    expect((await bench.query("show tables like 'x%'")).values).toEqual([])
    const described = await bench.query('describe logs')
    expect(described.values).toEqual([
      ['time', 'bigint'],
      ['code', 'bigint'],
      ['path', 'varchar'],
      ['tags', 'map(varchar,varchar)'],
      ['extra', 'json'],
      ['time_us', 'bigint'],
      ['_rescued', 'map(varchar,varchar)'],
    ])
    expect((await bench.query('show columns from web.logs')).values).toEqual(described.values)
  })

  test('explains what would be read', async () => {
    const { values, statement } = await bench.query('explain select path from logs where time < 2000')
    const lines = values.map(([line]) => line)
    expect(statement).toBe('explain')
    expect(lines).toContain('  chunks: 1 of 2 (1 left out by time)')
    expect(lines).toContain('  time: the beginning to 2000 (1970-01-01T00:33:20Z)')
    expect(lines.join('\n')).toContain('SEQ_SCAN')
  })
})

describe('a query that cannot be', () => {
  test('is told where and what may be meant', async () => {
    expect((await failure('select *\nfrom lgos')).toRecord()).toMatchObject({
      code: 'table_not_found',
      hint: 'Did you mean "logs"?',
      position: { line: 2, column: 6 },
    })
    expect(await failure('select * from wbe.logs')).toMatchObject({
      code: 'database_not_found',
      hint: 'Did you mean "web"?',
    })
    expect((await failure(`select 'ü',\n pth from logs`)).toRecord()).toMatchObject({
      code: 'query_semantic',
      hint: 'Did you mean "path"?',
      position: { line: 2, column: 2 },
    })
    expect((await failure('select 1 +')).toRecord()).toMatchObject({ code: 'query_syntax', position: { column: 11 } })
    expect(await failure('select * from logs', { database: null })).toMatchObject({ code: 'database_not_found' })
  })

  test('fails on the data with its place in the SQL as it was sent', async () => {
    const error = await failure(`select *,\n  cast(path as bigint) from logs`)
    expect(error.toRecord()).toMatchObject({ code: 'query_data', position: { line: 2 } })
    expect(error.message).not.toContain(bench.folder)
  })

  test('is refused before it reads more than it may', async () => {
    const error = await failure('select * from logs', { limits: { scanBytes: 10 } })
    expect(error).toMatchObject({ code: 'scan_limit_exceeded' })
    expect(error.message).toMatch(/would read \d+ B, and the limit is 10 B/)
    await bench.query('explain select * from logs', { limits: { scanBytes: 10 } })
  })

  test('sees nothing of another account, and only the databases that are open to the user', async () => {
    const stranger = await bench.makeOwner()
    expect(await failure('select * from logs', { principal: stranger })).toMatchObject({ code: 'table_not_found' })
    const importer: Principal = { ...bench.owner, keyKind: 'import' }
    expect(await failure('select * from logs', { principal: importer })).toMatchObject({ code: 'forbidden' })
    const reader: Principal = { ...bench.owner, keyKind: 'query' }
    await bench.query('select * from logs', { principal: reader })
    for (const text of ['insert into logs select * from logs', 'create table x as select 1 as a', 'drop table logs']) {
      expect(await failure(text, { principal: reader })).toMatchObject({ code: 'forbidden' })
    }
  })

  test('has the rights that its user has when it runs, and none where the user was removed', async () => {
    const { accountId } = bench.owner
    const [user] = await bench.postgres.query<{ id: number }>(sql`
      insert into users (account_id, email, name, role) values (${accountId}, 'b@example.com', 'B', 'member') returning id`)
    // As the job was submitted, the user was an owner.
    const former: Principal = { ...bench.owner, userId: user?.id ?? 0 }
    await bench.query('select 1', { principal: former })
    expect(await failure('select * from logs', { principal: former })).toMatchObject({ code: 'forbidden' })
    const removed: Principal = { ...bench.owner, userId: 987_654 }
    expect(await failure('select 1', { principal: removed })).toMatchObject({ code: 'user_not_found' })
  })
})

describe('a write', () => {
  test('makes a table of an answer, with every type, and adds to it', async () => {
    const made = await bench.query(
      `create table made as select time, path, code * 1.5 as ratio, [code] as codes, {a: code, b: path} as pair, tags from logs`,
    )
    expect(made).toMatchObject({ statement: 'create_table_as', rows: 4, resultKey: null })
    expect((await bench.query('select sum(ratio), sum(codes[1]), max(pair.b) from made')).values).toEqual([
      ['2104.5', '1403', '/b'],
    ])
    const added = await bench.query(`insert into made (path, ratio) values ('/c', 1), ('/d', 2.5)`)
    expect(added).toMatchObject({ statement: 'insert', rows: 2 })
    expect((await bench.query(`select time, path, ratio from made where path > '/b' order by path`)).values).toEqual([
      ['1700000000', '/c', '1.0'],
      ['1700000000', '/d', '2.5'],
    ])
    const table = await bench.store.table(bench.owner.accountId, 'web', 'made')
    expect(table).toMatchObject({ rows: 6, snapshot: 2 })
    expect((await bench.query('explain select * from made where time < 2000')).statistics.scans[0]).toMatchObject({
      chunksOpened: 1,
      chunksTotal: 2,
    })
  })

  test('copies all columns, the fixed ones too', async () => {
    await bench.query('create table copied as select * from logs')
    expect(await bench.query('insert into copied select * from logs where code > 400')).toMatchObject({ rows: 2 })
    expect((await bench.query('select count(*), count(tags) from copied')).values).toEqual([['6', '1']])
  })

  test('keeps apart columns that differ in case only', async () => {
    await bench.load(
      'cased',
      [
        { name: 'code', type: parseType('bigint') },
        { name: 'CODE', type: parseType('bigint') },
      ],
      [],
    )
    await bench.query('insert into cased (code, code_1) values (1, 2)')
    await bench.query('insert into cased select * from cased')
    expect((await bench.query('select code, code_1 from cased')).values).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })

  test('is applied once, however often it is tried', async () => {
    const first = await bench.query('create table once as select 1 as n')
    expect(await bench.query('create table once as select 1 as n', { jobId: first.jobId })).toMatchObject({ rows: 1 })
    const insert = await bench.query('insert into once (n) values (2)')
    await bench.query('insert into once (n) values (2)', { jobId: insert.jobId })
    expect((await bench.query('select count(*) from once')).values).toEqual([['2']])
    const drop = await bench.query('drop table once')
    await bench.query('drop table once', { jobId: drop.jobId })
    expect(await failure('drop table once')).toMatchObject({ code: 'table_not_found' })
    await bench.query('drop table if exists once')
  })

  test('writes nothing for an attempt that lost its lease', async () => {
    await bench.query('create table fenced as select 1 as n')
    const steal = ({ stage }: { stage: string }) =>
      stage === 'running' && void bench.postgres.query(sql`delete from job_running`)
    expect(await failure('insert into fenced (n) values (2)', { onProgress: steal })).toMatchObject({
      code: 'lease_lost',
    })
    expect((await bench.query('select count(*) from fenced')).values).toEqual([['1']])
  })

  test('of no rows makes an empty table', async () => {
    expect(await bench.query('create table nothing as select time, code from logs where false')).toMatchObject({
      rows: 0,
    })
    expect((await bench.query('select count(*), max(code) from nothing')).values).toEqual([['0', null]])
  })

  test.each([
    ['create table logs as select 1 as a', 'already_exists'],
    ['create table bad as select 1 as a, 2 as "A"', 'query_semantic'],
    ['create table "Bad-Name" as select 1 as a', 'invalid_name'],
    ['create table bad as select null::bigint as time', 'query_data'],
    ['create table bad as select 1e300 as time', 'query_data'],
    ['create table bad as select 9223372036854775807 as time', 'query_data'],
    [`insert into logs (code) select '12'`, 'query_semantic'],
    ['insert into logs (code) select 1.5', 'query_data'],
    ['insert into logs (code) select 18446744073709551615', 'query_data'],
    ['insert into logs (code, code) select 1, 2', 'query_semantic'],
    ['insert into logs (cod) select 1', 'query_semantic'],
    ['insert into logs select 1', 'query_semantic'],
    ['insert into logs values (1, 2)', 'query_semantic'],
    ['insert into nowhere values (1)', 'table_not_found'],
    ['insert into logs (code', 'query_syntax'],
  ])('%s fails with %s', async (text, code) => {
    expect(await failure(text)).toMatchObject({ code })
    expect((await bench.query('select count(*) from logs')).values).toEqual([['4']])
  })

  test('takes exact values of other types, and texts of what is one', async () => {
    await bench.query("create table typed as select 1::bigint as n, 1.5::double as x, date '2020-01-01' as d, 't' as s")
    await bench.query(`insert into typed (n, x, d, s) select 2.0, 7, timestamp '2020-01-02 00:00:00', 99`)
    expect((await bench.query('select n, x, d, s from typed order by n')).values).toEqual([
      ['1', 1.5, '2020-01-01', 't'],
      ['2', 7, '2020-01-02', '99'],
    ])
    expect(await failure(`insert into typed (d) select timestamp '2020-01-02 00:00:01'`)).toMatchObject({
      code: 'query_data',
    })
    expect(await bench.query("insert into typed values (5, 1, 2.5, date '2020-01-03', 'x')")).toMatchObject({ rows: 1 })
    expect(await bench.query('create table if not exists typed as select 1 as n')).toMatchObject({ rows: 0 })
  })
})
