import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isAppError, must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
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

const values = async (text: string) => (await bench.query(text)).values

const failure = async (text: string, options?: QueryOptions) => {
  const error = await bench.query(text, options).catch((reason: unknown) => reason)
  if (!isAppError(error)) throw new Error(`${text} should have failed as expected: ${String(error)}`, { cause: error })
  return error
}

const idOf = async (name: string): Promise<number> => (await bench.store.table(accountId, 'web', name)).id

/** The script by which workflows make a table anew. */
const remake = (name: string, select: string) =>
  `-- of a workflow\nDROP TABLE IF EXISTS \`${name}\`;\nCREATE TABLE \`${name}\` AS\n${select};`

describe('a script', () => {
  test('drops a table and makes another of its name at once', async () => {
    const first = await bench.query(remake('daily', 'select 1 as n'))
    expect(first).toMatchObject({
      statement: 'create_table_as',
      rows: 1,
      resultKey: null,
      statements: [
        { statement: 'drop_table', rows: 0 },
        { statement: 'create_table_as', rows: 1 },
      ],
    })
    const before = await idOf('daily')
    await bench.query(remake('daily', 'select n + 1 as n from range(3) r(n)'))
    expect(await idOf('daily')).not.toBe(before)
    expect(await values('select sum(n) from daily')).toEqual([['6']])
  })

  test('sees its own changes before anybody else does, and gives the rows of its last SELECT', async () => {
    await bench.query('create table kept as select i as n from range(10) r(i)')
    const answer = await bench.query(`
      create table made as select n, n * n as square from kept where n < 5;
      insert into made select 100 as n, 1 as square;
      delete from made where n = 0;
      insert into kept select max(n) as n from made;
      delete from kept where n < 3;
      select count(*), sum(square), (select sum(n) from kept), (select count(*) from made where n > 50) from made;
      drop table made`)
    expect(answer.values).toEqual([['5', '31', '142', '1']])
    expect(answer.statements?.map(({ statement }) => statement)).toEqual([
      'create_table_as',
      'insert',
      'delete',
      'insert',
      'delete',
      'select',
      'drop_table',
    ])
    expect(await values('select count(*), sum(n) from kept')).toEqual([['8', '142']])
    expect(await failure('select * from made')).toMatchObject({ code: 'table_not_found' })
  })

  test('leaves nothing of what it did where a statement fails', async () => {
    await bench.query('create table whole as select 1 as n')
    const failing = `drop table if exists whole; create table whole as select 2 as n; create table more as select 3 as n;\nselect n / nought from whole`
    expect(await failure(failing)).toMatchObject({ code: 'query_semantic', position: { line: 2, column: 12 } })
    expect(await values('select n from whole')).toEqual([['1']])
    expect(await failure('select * from more')).toMatchObject({ code: 'table_not_found' })
    expect(await failure('drop table whole; select n from whole')).toMatchObject({ code: 'table_not_found' })
    expect(await values('select n from whole')).toEqual([['1']])
  })

  test('merges, overwrites and truncates on top of its own changes', async () => {
    const answer = await bench.query(`
      create table pairs (k bigint, v varchar);
      insert into pairs (k, v) select 1, 'a' union all select 2, 'b';
      merge into pairs key (k) select 2 as k, 'B' as v union all select 3, 'C';
      create table copies as select k, v from pairs;
      insert overwrite copies select k + 10 as k, v from copies where k > 1;
      truncate table pairs;
      select string_agg(k || v, ' ' order by k), (select count(*) from pairs) from copies`)
    expect(answer.values).toEqual([['12B 13C', '0']])
    expect(await values('select count(*) from copies')).toEqual([['2']])
  })

  test('takes no statement that cannot wait for the others', async () => {
    await bench.query('create table plain as select 1 as n')
    const refused = 'insert into plain select 2 as n; alter table plain add column m bigint'
    expect(await failure(refused)).toMatchObject({ code: 'statement_not_allowed' })
    expect(await values('select count(*) from plain')).toEqual([['1']])
  })

  test('is done once, however often its job is tried', async () => {
    await bench.query('create table once as select 0 as n')
    const script = 'insert into once select 1 as n; create table other as select 5 as m; select count(*) from once'
    const first = await bench.query(script)
    expect(first.values).toEqual([['2']])
    expect((await bench.query(script, { jobId: first.jobId })).values).toEqual([['2']])
    expect(await values('select count(*), (select count(*) from other) from once')).toEqual([['2', '1']])
  })

  test('begins again where something else changed its tables meanwhile', async () => {
    await bench.query('create table busy as select i as n from range(4) r(i)')
    await bench.query(remake('remade', 'select 1 as n'))
    const beside = async () => {
      await bench.query('delete from busy where n = 1')
      await bench.query(remake('remade', 'select 2 as n'))
    }
    const answer = await bench.query(
      `delete from busy where n = 0; ${remake('remade', 'select sum(n) as n from busy')}; select count(*) from busy`,
      { beforeCommit: [beside] },
    )
    expect(answer.values).toEqual([['2']])
    expect(await values('select n from remade')).toEqual([['5']])
  })

  test('is committed under the lease of its attempt', async () => {
    await bench.query('create table fenced as select 1 as n')
    const steal = async () => {
      await bench.postgres.query(sql`update job_running set lease_token = nextval('job_lease_tokens')`)
    }
    const error = await failure('insert into fenced select 2 as n; drop table if exists daily', {
      beforeCommit: [steal],
    })
    expect(error).toMatchObject({ code: 'lease_lost' })
    expect(await values('select count(*) from fenced')).toEqual([['1']])
    expect(must(await idOf('daily'), 'the table is there')).toBeGreaterThan(0)
  })
})
