import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { finishQuery, queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_SCRIPT_KILLS'] ?? 3)
const jobs = 6
const dataDirectory = mkdtempSync(join(tmpdir(), 'biwa-scripts-'))

let biwa: Biwa

afterAll(async () => {
  await biwa.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

/** Two tables are remade and a third one grows, all by one job, whose result goes to a fourth. */
const script = (n: number) => `
  drop table if exists this_one; create table this_one as select ${n} as n from range(100);
  drop table if exists that_one; create table that_one as select n from this_one;
  insert into grown select ${n} as n;
  select ${n} as n, count(*) as seen from this_one join that_one using (n)`

it(`does scripts and what becomes of their results whole and once, over ${kills} kills of workers and their engines`, async () => {
  biwa = await startBiwa({ dataDirectory })
  await biwa.request('/api/v1/databases', { method: 'POST', body: JSON.stringify({ name: 'test' }) })
  expect((await finishQuery(biwa, 'create table grown (n bigint)')).state).toBe('success')
  const submitted = []
  for (let n = 0; n < jobs; n += 1) submitted.push(await submit(n))
  for (let round = 0; round < kills; round += 1) {
    await sleep(300 + Math.random() * 1200)
    killSome()
    expect(await torn()).toBe(0)
  }
  for (const id of submitted) expect([id, await endOf(id)]).toEqual([id, 'success'])
  const all = Array.from({ length: jobs }, (_, n) => n)
  expect((await queryRows(biwa, 'select n from grown order by 1')).flat()).toEqual(all)
  expect(await queryRows(biwa, 'select n, seen from delivered order by 1')).toEqual(all.map((n) => [n, 10_000]))
  expect(await queryRows(biwa, 'select count(distinct n), count(*) from this_one')).toEqual([[1, 100]])
})

async function submit(n: number): Promise<number> {
  const body = JSON.stringify({
    sql: script(n),
    database: 'test',
    engine: 'batch',
    retry_limit: 32,
    deliver_to: { database: 'test', table: 'delivered' },
  })
  const response = await biwa.request('/api/v1/queries', { method: 'POST', body })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return ((await response.json()) as { id: number }).id
}

/** A worker, and with it its engines; or one of the engines alone. */
function killSome(): void {
  const processes = descendants(must(biwa.supervisor.pid, 'the server runs'))
  const wanted = Math.random() < 0.5 ? /worker\.js/ : /engine\.js/
  const found = processes.filter(({ command }) => wanted.test(command))
  const one = found[Math.floor(Math.random() * found.length)]
  if (one !== undefined) strikeDead(one.pid)
}

/** How many rows of the two tables, which every script makes the same, are of one alone: a reader in between sees both or neither. */
async function torn(): Promise<unknown> {
  const job = await finishQuery(
    biwa,
    'select (select max(n) from this_one) is distinct from (select max(n) from that_one) as torn',
  )
  // Before the first script is done there is neither.
  if (job.state !== 'success') return 0
  const result = await biwa.request(`/api/v1/jobs/${job.id}/result?format=json`)
  const { rows } = (await result.json()) as { rows: boolean[][] }
  return rows[0]?.[0] === true ? 1 : 0
}

async function endOf(id: number): Promise<string> {
  for (;;) {
    const response = await biwa.request(`/api/v1/jobs/${id}?wait=30`)
    const { state } = (await response.json()) as { state: string }
    if (['success', 'error', 'killed', 'dead'].includes(state)) return state
  }
}
