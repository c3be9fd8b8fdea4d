import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { openEnginePool } from '../base/engines/open-engine-pool.ts'
import { AppError } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import { parseType } from '../store/types.ts'
import type { QueryBench, QueryOptions } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

const pool = openEnginePool({
  name: 'queries',
  entry: new URL('testing/query-engine.ts', import.meta.url),
  size: 2,
  clock: systemClock,
  log: openLog('silent'),
})

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(pool)
  await pool.start()
  const columns = [{ name: 'a', type: parseType('bigint') }]
  await bench.load('t', columns, ['select 1 as time, 1 as a', 'select 2 as time, 2 as a'])
  const stranger = await bench.makeOwner()
  await bench.load('secrets', columns, ['select 1 as time, 4711 as a'], stranger)
})
afterAll(async () => {
  await pool.stop()
  await bench.close()
})

async function failure(text: string, options: QueryOptions = {}): Promise<AppError> {
  const error = await bench.query(text, options).then(
    ({ values }) => new Error(`it answered ${JSON.stringify(values).slice(0, 200)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof AppError) return error
  throw new Error(`${text.slice(0, 200)} should fail as expected: ${String(error)}`, { cause: error })
}

const forbidden: [code: string, sql: string][] = [
  ['table_not_found', `select * from '/etc/passwd'`],
  ['table_not_found', `select * from "/etc/passwd"`],
  ['table_not_found', `select * from 'data.csv'`],
  ['table_not_found', `select (select max(x) from "x.parquet") from t`],
  ['database_not_found', `select * from information_schema.tables`],
  ['table_not_found', `select * from system.information_schema.tables`],
  ['table_not_found', `select * from duckdb_settings`],
  ['database_not_found', `select * from pg_catalog.pg_tables`],
  ['table_not_found', `select * from sqlite_master`],
  ['table_not_found', `select * from secrets`],
  ['function_not_allowed', `select * from read_csv('/etc/passwd')`],
  ['function_not_allowed', `select * from read_text('/etc/passwd')`],
  ['function_not_allowed', `select (select content from read_blob('/etc/passwd')) from t`],
  ['function_not_allowed', `select * from t where exists (from read_parquet('/etc/passwd'))`],
  ['function_not_allowed', `with x as (select * from glob('/etc/*')) select * from x`],
  ['function_not_allowed', `select * from t, lateral (select * from read_json('/etc/passwd'))`],
  ['function_not_allowed', `select * from sniff_csv('/etc/passwd')`],
  ['function_not_allowed', `select * from parquet_metadata('x')`],
  ['function_not_allowed', `select * from query('select * from read_text(''/etc/passwd'')')`],
  ['function_not_allowed', `select * from query_table('/etc/passwd')`],
  ['function_not_allowed', `select * from json_execute_serialized_sql('{}')`],
  ['function_not_allowed', `select * from duckdb_settings()`],
  ['function_not_allowed', `select * from duckdb_secrets()`],
  ['function_not_allowed', `select * from enable_logging(storage = 'file')`],
  ['function_not_allowed', `select * from pragma_show('t')`],
  ['function_not_allowed', `from unnest([1]), read_text('/etc/passwd')`],
  ['function_not_allowed', `select current_setting('allowed_paths')`],
  ['function_not_allowed', `select system.main.current_setting('temp_directory')`],
  ['function_not_allowed', `select write_log('x')`],
  ['function_not_allowed', `select max(a) filter (where getenv('HOME') = '') over () from t`],
  ['function_not_allowed', `select list_transform([1], lambda x: current_setting('threads'))`],
  ['function_not_allowed', `select json_serialize_plan('select 1')`],
  ['function_not_allowed', `select pg_sleep(10)`],
  ['statement_not_allowed', `copy (select 1) to '/tmp/biwa-hostile'`],
  ['statement_not_allowed', `copy t from '/etc/passwd'`],
  ['statement_not_allowed', `select 1) to '/tmp/biwa-hostile' (format csv); copy (select 2`],
  ['query_syntax', `select * from (copy t to '/tmp/biwa-hostile')`],
  ['statement_not_allowed', `attach '/tmp/biwa-hostile.db'`],
  ['statement_not_allowed', `set memory_limit = '100GB'`],
  ['statement_not_allowed', `reset memory_limit`],
  ['statement_not_allowed', `install httpfs`],
  ['statement_not_allowed', `load httpfs`],
  ['statement_not_allowed', `pragma database_list`],
  ['statement_not_allowed', `call enable_logging(storage = 'file')`],
  ['statement_not_allowed', `prepare x as select 1`],
  ['statement_not_allowed', `execute x`],
  ['statement_not_allowed', `export database '/tmp/biwa-hostile'`],
  ['statement_not_allowed', `use system`],
  ['statement_not_allowed', `create view v as select 1`],
  ['statement_not_allowed', `create or replace table t as select 1`],
  ['statement_not_allowed', `create macro m() as 1`],
  ['statement_not_allowed', `update t set a = 2`],
  ['table_not_found', `delete from secrets where true`],
  ['table_not_found', `merge into secrets key (a) select 1 as a`],
  ['function_not_allowed', `delete from t where exists (from read_text('/etc/passwd'))`],
  ['function_not_allowed', `delete from t where getenv('HOME') <> ''`],
  ['query_syntax', `delete from t where true) as boolean), false)) to '/tmp/biwa-hostile' (format csv); select ((true`],
  ['statement_not_allowed', `delete from t where true; attach '/tmp/x'`],
  ['query_semantic', `delete from t where a = ?`],
  ['statement_not_allowed', `select 1; vacuum t`],
  ['statement_not_allowed', `select 1; call pragma_version()`],
  ['statement_not_allowed', `select 1 /* */; /* */ attach '/tmp/x'`],
  ['statement_not_allowed', `with x as (select 1 as a) insert into t select * from x`],
  ['statement_not_allowed', `explain analyze copy (select 1) to '/tmp/biwa-hostile'`],
  ['statement_not_allowed', `explain analyze select 1`],
  ['statement_not_allowed', `from (show tables)`],
  ['query_semantic', `select ?`],
  ['query_semantic', `select $1`],
  ['database_not_found', `select * from nowhere.everything`],
  ['query_syntax', ``],
  ['query_syntax', ` -- nothing`],
  ['query_syntax', `select 'unterminated`],
  ['query_syntax', `select /* unterminated`],
  ['query_syntax', `select ${'('.repeat(5000)}1${')'.repeat(5000)}`],
  ['query_syntax', `select ${'- '.repeat(100_000)}1`],
  ['query_syntax', `select ${Array(20_000).fill('1').join('+')}`],
  [
    'query_semantic',
    `select count(*) from t where a in (${Array.from({ length: 100_000 }, (_, i) => i).join(',')}, x)`,
  ],
  ['query_data', `select regexp_matches(repeat('a', 100000), '(a*)*$(b')`],
  ['query_data', `select '${'['.repeat(100_000)}'::json::bigint[] from t`],
  ['query_data', `select a / 0 * 'x'::bigint from t`],
]

const limits = { memoryBytes: 200e6, temporaryBytes: 50e6, timeoutMs: 6000 }

/** What may end a query that wants too much, whichever limit it meets first. */
const exceeded = /^(query_memory_exceeded|query_disk_exceeded|query_timeout|query_data)$/

describe('hostile SQL', () => {
  const cases = forbidden.map(([code, text]) => ({ code, text, shown: text.slice(0, 80) }))

  test.each(cases)('fails with $code: $shown', async ({ code, text }) => {
    const error = await failure(text)
    expect(error).toMatchObject({ code })
    expect(JSON.stringify(error.toRecord())).not.toContain(bench.folder)
    expect(JSON.stringify(error.toRecord())).not.toContain('root:x')
  })

  test.each([
    ['a cross join', `select count(distinct hash(x.i * 31 + y.i)) from range(10000000) x(i), range(10000) y(i)`],
    [
      'a recursion without end',
      `with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r`,
    ],
    ['a string of 2 GB', `select length(repeat('x', 2000000000))`],
    ['a list of 200 million', `select length(list(i)) from range(200000000) r(i)`],
    ['a large result', `select i, hash(i) from range(300000000) r(i)`],
    ['a large sort', `select i from range(300000000) r(i) order by hash(i)`],
  ])('%s is ended by its limits', async (_, text) => {
    expect((await failure(text, { limits })).code).toMatch(exceeded)
  })

  test('a query that is killed ends at once, with the reason', async () => {
    const control = new AbortController()
    const onProgress = ({ stage }: { stage: string }) =>
      stage === 'running' && control.abort(new AppError('job_killed', 'Enough.'))
    const text = `select count(*) from range(1000000000) x, range(1000000000) y`
    expect(await failure(text, { signal: control.signal, onProgress })).toMatchObject({ code: 'job_killed' })
  })

  test('leaves the tables as they were, and the pool serving', async () => {
    expect((await bench.query('select sum(a) from t')).values).toEqual([['3']])
    const answers = await Promise.all([1, 2, 3].map((n) => bench.query(`select ${n}::varchar`)))
    expect(answers.map(({ values }) => values)).toEqual([[['1']], [['2']], [['3']]])
  })
})

describe('names of an engine are ordinary names of tables', () => {
  test.each(['select', 'main', 'duckdb_tables', 'sqlite_master'])('%s', async (name) => {
    await bench.query(`create table "${name}" as select 5 as a`)
    expect((await bench.query(`select a from "${name}"`)).values).toEqual([['5']])
    expect((await bench.query(`select a from web."${name}"`)).values).toEqual([['5']])
  })
})
