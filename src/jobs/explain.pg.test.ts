import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Limits } from './limits.ts'
import { openLimits } from './open-limits.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'
import { noteWorker } from './workers.sql.ts'

let database: TestDatabase
let bench: JobsBench
let limits: Limits

beforeAll(async () => {
  database = await openTestDatabase()
  bench = await openJobsBench(database.postgres)
  limits = openLimits({ postgres: database.postgres, clock: systemClock, log: openLog('silent') })
})
afterAll(async () => {
  await bench.stop()
  await database.close()
})

const inAnHour = () => new Date(Date.now() + 3_600_000)
const explain = (id: number) => bench.jobs.explain(bench.accountId, id)

/** A worker as others see it, whether or not there is one. */
async function pretend(name: string, kind: string, concurrency: number, state: 'running' | 'draining' = 'running') {
  const kinds = [{ kind, concurrency }]
  await noteWorker(database.postgres, { name, host: 'here', pid: 1, version: '1', kinds, state })
}

describe('why a job waits', () => {
  test('is that no worker takes its kind: none of it, none that goes on, and none that lives', async () => {
    const { id } = await bench.submit({ kind: 'lonely' })
    const lonely = { position: 1, reasons: [{ reason: 'no_worker', kind: 'lonely' }] }
    expect(await explain(id)).toEqual(lonely)
    await pretend('other', 'otherwise', 1)
    await pretend('leaving', 'lonely', 1, 'draining')
    await pretend('silent', 'lonely', 1)
    await database.postgres.query(
      sql`update job_workers set seen_at = now() - interval '2 minutes' where name = 'silent'`,
    )
    expect(await explain(id)).toEqual(lonely)
    await pretend('silent', 'lonely', 1)
    expect(await explain(id)).toEqual({ position: 1, reasons: [{ reason: 'next' }] })
  })

  test('is that it is not due, and what would keep it waiting after that', async () => {
    await pretend('idle', 'later', 1)
    const runAt = inAnHour()
    const { id } = await bench.submit({ kind: 'later', runAt, resources: { wide: 3 } })
    const notDue = { reason: 'not_due', until: runAt, state: 'delayed' }
    expect(await explain(id)).toEqual({ position: 1, reasons: [notDue] })
    const key = `resource:${bench.accountId}/wide`
    await limits.set(null, key, 2)
    const never = { reason: 'limit', key, slots: 2, used: 0, wants: 3 }
    expect(await explain(id)).toEqual({ position: 1, reasons: [notDue, never] })
  })

  test('is its place behind others, by priority and time', async () => {
    await pretend('queueing', 'line', 1)
    const first = await bench.submit({ kind: 'line' })
    const second = await bench.submit({ kind: 'line' })
    const urgent = await bench.submit({ kind: 'line', priority: 2 })
    expect(await explain(urgent.id)).toEqual({ position: 1, reasons: [{ reason: 'next' }] })
    expect(await explain(first.id)).toEqual({ position: 2, reasons: [{ reason: 'behind', ahead: 1 }] })
    expect(await explain(second.id)).toEqual({ position: 3, reasons: [{ reason: 'behind', ahead: 2 }] })
  })

  test('is a limit without room, and one that is paused', async () => {
    const [kindKey, groupKey] = ['kind:limited', `workgroup:${bench.accountId}/etl`]
    await limits.set(null, kindKey, 1)
    await limits.set(null, groupKey, 5)
    await pretend('worker of limited', 'limited', 4)
    let release: (() => void) | undefined
    const holder = await bench.submit({ kind: 'limited' })
    await bench.run(() => new Promise<void>((resolve) => (release = resolve)), {
      kind: 'limited',
      concurrency: 4,
      owner: 'worker of limited',
    })
    await expect.poll(() => release).toBeDefined()
    const { id } = await bench.submit({ kind: 'limited', workgroup: 'etl' })
    const full = { reason: 'limit', key: kindKey, slots: 1, used: 1, wants: 1 }
    expect(await explain(id)).toEqual({ position: 1, reasons: [full] })
    const until = inAnHour()
    await limits.pause(null, groupKey, until)
    expect(await explain(id)).toEqual({
      position: 1,
      reasons: [{ reason: 'limit_paused', key: groupKey, until }, full],
    })
    expect(await explain(holder.id)).toBeNull()
    release?.()
    await bench.finished(holder)
    expect(await explain(holder.id)).toBeNull()
    expect(await explain(id)).toEqual({ position: 1, reasons: [{ reason: 'limit_paused', key: groupKey, until }] })
  })

  test('is that all workers of the kind are busy', async () => {
    await pretend('worker of busy', 'busy', 1)
    let release: (() => void) | undefined
    const holder = await bench.submit({ kind: 'busy' })
    await bench.run(() => new Promise<void>((resolve) => (release = resolve)), {
      kind: 'busy',
      owner: 'worker of busy',
    })
    await expect.poll(() => release).toBeDefined()
    const { id } = await bench.submit({ kind: 'busy' })
    expect(await explain(id)).toEqual({ position: 1, reasons: [{ reason: 'workers_busy', places: 1 }] })
    release?.()
    await bench.finished(holder)
  })

  test('is nobody else’s to know', async () => {
    const { id } = await bench.submit({ kind: 'secret' })
    await expect(bench.jobs.explain(bench.accountId + 1, id)).rejects.toMatchObject({ code: 'job_not_found' })
  })
})
