import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { sql } from '../../src/base/postgres/postgres.ts'
import { openWorkers } from '../../src/jobs/open-workers.ts'
import type { Worker } from '../../src/jobs/workers.ts'
import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { openTestDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let biwa: Biwa
// A PostgreSQL and an object store that outlive the server: the test looks at the queue also after the end, and a second
// server can share them.
let environment: Record<string, string>
beforeEach(async () => {
  database = await openTestDatabase()
  environment = {
    BIWA_DATABASE_URL: database.url,
    BIWA_OBJECT_STORE: mkdtempSync(join(tmpdir(), 'biwa-rolling-')),
  }
  biwa = await startBiwa({ environment })
  await biwa.request('/api/v1/databases/test', { method: 'PUT' })
})
afterEach(async () => {
  await biwa.stop()
  await database.close()
  rmSync(environment['BIWA_OBJECT_STORE'] ?? '', { recursive: true, force: true })
})

/** Some 20,000 turns take a second: each one waits for the one before, and uses one core. */
const longQuery = (turns: number) =>
  `with recursive t(i, x) as (select 1, 0.5::double union all select i + 1, sin(x + i) from t where i < ${turns}) select count(*) from t`

/** A request that is repeated while nobody answers, as every client of an http service does. */
async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: { id: number; state: string } }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await biwa.request(path, init)
      const body = (await response.json()) as { id: number; state: string }
      if (response.status < 500 || attempt === 600) return { status: response.status, body }
    } catch (error) {
      if (attempt === 600) throw error
    }
    await sleep(100)
  }
}

async function submit(statement: string): Promise<number> {
  const body = JSON.stringify({ sql: statement, database: 'test' })
  const answer = await ask('/api/v1/queries', { method: 'POST', body })
  expect(answer.status).toBeLessThan(300)
  return answer.body.id
}

async function finished(id: number): Promise<string> {
  while (true) {
    const { body } = await ask(`/api/v1/jobs/${id}?wait=10`)
    if (['success', 'error', 'killed', 'dead'].includes(body.state)) return body.state
  }
}

async function runningSince(id: number): Promise<Worker> {
  let worker: Worker | undefined
  const look = async () =>
    (worker = (await openWorkers(database.postgres).list()).find((one) => one.jobIds.includes(id)))
  await expect.poll(look).toBeDefined()
  return worker as Worker
}

/** Asks for a rolling restart and waits until there is a worker that takes jobs and was not there before. */
async function renew(): Promise<Worker> {
  const workers = openWorkers(database.postgres)
  const before = new Set((await workers.list()).map(({ name }) => name))
  biwa.supervisor.kill('SIGHUP')
  let fresh: Worker | undefined
  const look = async () => (fresh = (await workers.list()).find(({ name }) => !before.has(name)))
  await expect.poll(look).toBeDefined()
  return fresh as Worker
}

interface Ended {
  readonly job_id: number
  readonly to_state: string
  readonly attempt: number
  readonly actor: string
}

/** How attempts ended, of all jobs, in order. */
const ends = () =>
  database.postgres.query<Ended>(sql`
    select job_id, to_state, attempt, actor from job_history where acquired_at is not null order by id`)

describe('a rolling restart under load', () => {
  it('fails no job: the long one ends on the old worker while new ones run on the new', async () => {
    // It lasts longer than two rolling restarts, which the check of `meanwhile` makes sure of.
    const long = await submit(longQuery(400_000))
    const old = await runningSince(long)
    let over = false
    const shorts: number[] = []
    const load = async (): Promise<void> => {
      while (!over) {
        const id = await submit(`select ${shorts.length} as n`)
        shorts.push(id)
        expect(await finished(id)).toBe('success')
      }
    }
    const clients = [load(), load(), load()]
    const names = [(await renew()).name, (await renew()).name]
    for (const name of names) {
      await expect.poll(async () => (await ends()).some(({ actor }) => actor === name)).toBe(true)
    }
    const meanwhile = (await openWorkers(database.postgres).list()).find(({ name }) => name === old.name)
    over = true
    await Promise.all(clients)
    expect(await finished(long)).toBe('success')
    expect(meanwhile).toMatchObject({ state: 'draining', pid: old.pid, jobIds: [long] })
    const all = await ends()
    expect(all.filter(({ to_state }) => to_state !== 'success')).toEqual([])
    expect(all.filter(({ attempt }) => attempt !== 1)).toEqual([])
    expect(all.find(({ job_id }) => job_id === long)).toMatchObject({ actor: old.name })
    expect(new Set(all.map(({ job_id }) => job_id))).toEqual(new Set([long, ...shorts]))
    // Its work is done: the old worker is gone.
    const namesLeft = async () => (await openWorkers(database.postgres).list()).map(({ name }) => name)
    await expect.poll(namesLeft).toEqual([names[1]])
  })
})

describe('two versions side by side', () => {
  it('share the queue, and the one that is told to stop finishes what it runs', async () => {
    const long = await submit(longQuery(300_000))
    const blue = await runningSince(long)
    const green = await startBiwa({ environment })
    try {
      const workers = await openWorkers(database.postgres).list()
      expect(workers.map(({ state, version }) => [state, version])).toEqual([
        ['running', blue.version],
        ['running', blue.version],
      ])
      const exit = new Promise((ended) => biwa.supervisor.once('exit', ended))
      biwa.supervisor.kill('SIGTERM')
      const drains = async () => (await openWorkers(database.postgres).list())[0]?.state
      await expect.poll(drains).toBe('draining')
      const key = { headers: { authorization: `Bearer ${biwa.apiKey}` } }
      const body = JSON.stringify({ sql: 'select 1', database: 'test', wait_seconds: 240 })
      const answer = await green.request('/api/v1/queries', { method: 'POST', body, ...key })
      expect(await answer.json()).toMatchObject({ state: 'success' })
      expect(await exit).toBe(0)
      const all = await ends()
      expect(all.find(({ job_id }) => job_id === long)).toMatchObject({
        to_state: 'success',
        attempt: 1,
        actor: blue.name,
      })
      expect(all.find(({ job_id }) => job_id !== long)?.actor).toBe(workers[1]?.name)
    } finally {
      await green.stop()
    }
  })
})

describe('an end', () => {
  it('lets running jobs finish after SIGTERM', async () => {
    const id = await submit(longQuery(60_000))
    const { name } = await runningSince(id)
    const exit = new Promise((ended) => biwa.supervisor.once('exit', ended))
    biwa.supervisor.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(await ends()).toEqual([{ job_id: id, to_state: 'success', attempt: 1, actor: name }])
    expect(await openWorkers(database.postgres).list()).toEqual([])
  })

  it('hands leases back at the second signal', async () => {
    const id = await submit(longQuery(1_000_000))
    await runningSince(id)
    const exit = new Promise((ended) => biwa.supervisor.once('exit', ended))
    biwa.supervisor.kill('SIGTERM')
    await expect.poll(async () => (await openWorkers(database.postgres).list())[0]?.state).toBe('draining')
    biwa.supervisor.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(await ends()).toMatchObject([{ job_id: id, to_state: 'queued' }])
  })
})
