import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { finishQuery, queryRows } from '../support/query.ts'

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa({ environment: { BIWA_QUERY_MEMORY_BYTES: '300MB', BIWA_QUERY_TIMEOUT_SECONDS: '10' } })
  await biwa.request('/api/v1/databases/test/tables/t/import?wait=visible&wait_seconds=240&format=ndjson', {
    method: 'POST',
    body: '{"a":1}\n{"a":2}\n',
  })
})
afterAll(() => biwa.stop())

const deep = '('.repeat(5000) + '1' + ')'.repeat(5000)

const hostile: [what: string, sql: string][] = [
  ['a file as a table', `select * from '/etc/passwd'`],
  ['a file as a quoted name', `select * from "/etc/passwd"`],
  ['read_csv', `select * from read_csv('/etc/passwd')`],
  ['read_text', `select * from read_text('/etc/passwd')`],
  ['read_blob in a subquery', `select (select content from read_blob('/etc/passwd')) from t`],
  ['glob', `select * from glob('/etc/*')`],
  ['query() around a file', `select * from query('select * from read_text(''/etc/passwd'')')`],
  ['query_table()', `select * from query_table('/etc/passwd')`],
  ['COPY TO', `copy (select 1) to '/tmp/biwa-hostile'`],
  ['COPY FROM', `copy t from '/etc/passwd'`],
  ['a parenthesis that closes ours', `select 1) to '/tmp/biwa-hostile' (format csv); copy (select 2`],
  ['ATTACH', `attach '/tmp/biwa-hostile.db'`],
  ['SET', `set memory_limit = '100GB'`],
  ['RESET', `reset memory_limit`],
  ['INSTALL', `install httpfs`],
  ['LOAD', `load httpfs`],
  ['PRAGMA', `pragma database_list`],
  ['CALL', `call enable_logging(storage = 'file')`],
  ['enable_logging as a table', `select * from enable_logging(storage = 'file')`],
  ['settings', `select * from duckdb_settings()`],
  ['current_setting', `select current_setting('allowed_paths')`],
  ['a hostile statement behind another', `select 1; vacuum t`],
  ['a statement behind a comment', `select 1 /* */; /* */ attach '/tmp/x'`],
  ['the catalog of the engine', `select * from information_schema.tables`],
  ['EXPLAIN ANALYZE of a COPY', `explain analyze copy (select 1) to '/tmp/biwa-hostile'`],
  ['a table of nobody', `select * from secrets.everything`],
  [
    'a cross join of 100 GB',
    `select count(distinct hash(x.i * 31 + y.i)) from range(10000000) x(i), range(10000) y(i)`,
  ],
  ['a recursion without end', `with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r`],
  ['a string of 2 GB', `select length(repeat('x', 2000000000))`],
  ['a list of 200 million', `select length(list(i)) from range(200000000) r(i)`],
  ['deep parentheses', `select ${deep}`],
  ['a long IN', `select count(*) from t where a in (${Array.from({ length: 100_000 }, (_, i) => i).join(',')}, x)`],
  ['an evil pattern', `select regexp_matches(repeat('a', 100000), '(a*)*$(b')`],
]

describe('hostile SQL fails cleanly', () => {
  it.each(hostile)('%s', async (_what, sql) => {
    const job = await finishQuery(biwa, sql).catch((error: Error) => ({
      state: 'refused',
      error: { code: error.message },
    }))
    expect(job.state, JSON.stringify(job.error)).toMatch(/error|dead|refused/)
    expect(job.error?.code).not.toBe('internal')
    expect(JSON.stringify(job.error)).not.toContain(biwa.dataDirectory)
    expect(JSON.stringify(job.error)).not.toContain('root:x')
  })

  it('leaves the server serving', async () => {
    expect(await queryRows(biwa, 'select sum(a) from t')).toEqual([[3]])
    expect((await biwa.request('/readyz')).status).toBe(200)
  })
})
