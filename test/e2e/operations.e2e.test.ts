import { afterAll, beforeAll, expect, it } from 'vitest'

import { runCli, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa()
  await biwa.request('/api/v1/databases', { method: 'POST', body: JSON.stringify({ name: 'web' }) })
})
afterAll(() => biwa.stop())

interface Finished {
  readonly id: number
  readonly state: string
  readonly error: { readonly code: string; readonly message: string } | null
  readonly query: { readonly result: { readonly rows: number } }
}

async function query(sql: string): Promise<Finished> {
  const body = JSON.stringify({ sql, database: 'web', wait_seconds: 240 })
  const job = (await (await biwa.request('/api/v1/queries', { method: 'POST', body })).json()) as Finished
  expect([sql, job.state, job.error]).toEqual([sql, 'success', null])
  return job
}

async function answer(sql: string): Promise<string> {
  const { id } = await query(sql)
  return (await (await biwa.request(`/api/v1/jobs/${id}/result?format=csv&header=false`)).text()).split('\r\n')[1] ?? ''
}

const bodies = 40
const rowsPerBody = 50

/** Half a day of hours, so that minor and major merges find something to do beside the statements. */
async function importBody(index: number): Promise<void> {
  const row = (i: number) => ({
    id: index * rowsPerBody + i,
    code: i % 10,
    time: 1_600_000_000 + ((index * 997 + i) % 43_200),
  })
  const lines = Array.from({ length: rowsPerBody }, (_, i) => JSON.stringify(row(i)))
  const path = `/api/v1/databases/web/tables/busy/import?format=ndjson&wait=visible&wait_seconds=240&id=body-${index}`
  const response = await biwa.request(path, { method: 'POST', body: lines.join('\n') })
  expect(response.status, await response.text()).toBe(200)
}

it('statements change rows while imports and merges go on, and nothing is lost or there twice', async () => {
  await importBody(0)
  const importing = (async () => {
    for (let index = 1; index < bodies; index += 1) await importBody(index)
  })()
  let deleted = 0
  for (let round = 0; round < 4; round += 1) {
    deleted += (await query('delete from busy where code = 3')).query.result.rows
    await query(`merge into busy key (id) select id, 70 as code, time from busy where code = 7`)
  }
  await importing
  deleted += (await query('delete from busy where code = 3')).query.result.rows
  const total = bodies * rowsPerBody
  expect(deleted).toBe(total / 10)
  expect(await answer('select count(*), count(distinct id), count(*) filter (where code in (7, 70)) from busy')).toBe(
    `${total - deleted},${total - deleted},${total / 10}`,
  )
})

it('the command line changes tables, and tells what they were', async () => {
  const table = async (...words: string[]) => {
    const { code, stdout, stderr } = await runCli(biwa, ['table', ...words])
    expect(code, stderr).toBe(0)
    return stdout + stderr
  }
  await query('create table logs as select i as n, i * 3600 as time from range(24) r(i)')
  await query('create table rebuilt as select 1 as n')
  expect(await table('delete', 'web.logs', '--from', '1970-01-01', '--to', '7200', '-y')).toContain('Deleted 2 rows')
  expect(await table('diff', 'web.logs', '1', '--rows', '-f', 'csv')).toContain('-,0,0')
  expect(await table('snapshots', 'web.logs', '-f', 'csv')).toMatch(/\r\n2,[^,]+,delete,job:\d+,22,24,22,1,true/)
  await table('swap', 'web.logs', 'rebuilt')
  expect(await answer('select count(*) from rebuilt')).toBe('22')
  await table('rename', 'web.rebuilt', 'kept')
  await table('set', 'web.kept', 'expire_days=never', 'history_hours=1')
  await table('delete', 'web.kept', '-y')
  expect(await table('undrop', 'web.kept')).toContain('with 22 rows')
  expect(await table('truncate', 'web.kept', '-y')).toContain('Deleted 22 rows')
  expect(await table('forget', 'web.kept', '-y')).toContain('is ended')
  expect(await answer('select count(*) from kept')).toBe('0')
})
