import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import type { TestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Service } from '../base/service.ts'
import { openWorkers } from './open-workers.ts'
import { openWorkerRegistration } from './worker-registration.ts'
import { noteWorker } from './workers.sql.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

const started: Service[] = []
afterEach(async () => {
  for (const service of started.splice(0)) await service.stop()
  await database.postgres.query(sql`delete from job_workers`)
})

const blue = {
  name: 'worker 7',
  host: 'a',
  pid: 7,
  version: '1.0.0+aaaaaaaa',
  kinds: [{ kind: 'query', concurrency: 4 }],
}
const green = { ...blue, name: 'worker 8', pid: 8, version: '1.1.0+bbbbbbbb' }

async function register(worker: typeof blue, clock: Clock = systemClock): Promise<Service> {
  const service = openWorkerRegistration({ postgres: database.postgres, clock, log: openLog('silent'), worker })
  started.push(service)
  await service.start()
  return service
}

const list = () => openWorkers(database.postgres).list()

test('tells of workers on old and new code side by side, from their start to their end', async () => {
  const old = await register(blue)
  await register(green)
  await old.drain?.()
  expect(await list()).toMatchObject([
    { ...blue, state: 'draining', jobIds: [], startedAt: expect.any(Date), seenAt: expect.any(Date) },
    { ...green, state: 'running', jobIds: [] },
  ])
  await old.stop()
  await old.stop()
  expect(await list()).toMatchObject([{ name: green.name }])
})

test('names the jobs whose leases a worker holds', async () => {
  await register(blue)
  await register(green)
  await database.postgres.query(sql`
    insert into job_running (lease_token, job_id, lane_id, from_state, attempt, lease_owner, lease_expires_at)
    select n, n, 1, 'queued', 1, case when n < 3 then ${blue.name} else 'another' end, now()
      from generate_series(1, 3) as n`)
  expect((await list()).map(({ name, jobIds }) => [name, jobIds])).toEqual([
    [blue.name, [1, 2]],
    [green.name, []],
  ])
})

test('gives signs of life', async () => {
  const sleeps: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        sleeps.push(resolve)
        signal?.addEventListener('abort', () => resolve())
      }),
  }
  await register(blue, clock)
  await database.postgres.query(sql`update job_workers set seen_at = now() - interval '2 minutes'`)
  expect(await list()).toEqual([])
  sleeps[0]?.()
  await expect.poll(list).toMatchObject([{ name: blue.name }])
})

test('leaves out those that are silent, and forgets them after a day', async () => {
  await noteWorker(database.postgres, { ...blue, state: 'running' })
  await database.postgres.query(sql`update job_workers set seen_at = now() - interval '25 hours'`)
  expect(await list()).toEqual([])
  await register(green)
  const rows = await database.postgres.query<{ name: string }>(sql`select name from job_workers`)
  expect(rows).toEqual([{ name: green.name }])
})
