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

const find = async (key: string) => (await limits.list(null)).find((limit) => limit.key === key)

describe('limits', () => {
  test('are made, changed, listed and removed', async () => {
    const key = `workgroup:${bench.accountId}/made`
    expect(await limits.set(null, key, 2)).toEqual({ key, slots: 2, used: 0, pausedUntil: null })
    expect(await limits.set(bench.accountId, key, 3)).toMatchObject({ slots: 3 })
    await limits.set(null, 'kind:listed', 1)
    expect((await limits.list(bench.accountId)).map((limit) => limit.key)).toEqual([key])
    expect((await limits.list(null)).map((limit) => limit.key)).toEqual(['kind:listed', key])
    expect(await limits.remove(bench.accountId, key)).toMatchObject({ key, slots: 3 })
    await limits.remove(null, 'kind:listed')
    await expect(limits.remove(null, key)).rejects.toMatchObject({ code: 'limit_not_found' })
    await expect(limits.pause(null, key, null)).rejects.toMatchObject({ code: 'limit_not_found' })
  })

  test('refuse what makes no sense, and what is another account’s', async () => {
    const own = `account:${bench.accountId}`
    for (const slots of [-1, 1.5, NaN, 1_000_001]) {
      await expect(limits.set(null, own, slots)).rejects.toMatchObject({ code: 'invalid_request' })
    }
    await expect(limits.set(null, 'nothing', 1)).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(limits.pause(null, own, new Date(NaN))).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(limits.set(null, 'account:987654', 1)).rejects.toMatchObject({ code: 'account_not_found' })
    for (const key of ['kind:query', 'account:987654', 'resource:0/disk']) {
      await expect(limits.set(bench.accountId, key, 1)).rejects.toMatchObject({ code: 'forbidden' })
      await expect(limits.remove(bench.accountId, key)).rejects.toMatchObject({ code: 'forbidden' })
    }
  })

  test('are paused until a time, and are no more once it has passed', async () => {
    const key = `account:${bench.accountId}/kind:paused`
    const until = new Date(Date.now() + 3_600_000)
    await limits.set(null, key, 1)
    expect(await limits.pause(bench.accountId, key, until)).toMatchObject({ pausedUntil: until })
    const job = await bench.submit({ kind: 'paused' })
    await bench.run(async () => 'ran', { kind: 'paused', owner: 'patient' })
    expect(await bench.jobs.wait(bench.accountId, job.id, 300)).toMatchObject({ state: 'queued' })
    expect(await limits.pause(null, key, new Date(0))).toMatchObject({ pausedUntil: null })
    expect(await bench.finished(job)).toMatchObject({ state: 'success' })
    await limits.remove(null, key)
  })

  test('hold slots for as long as a job runs, are narrowed without ending any, and are gone without a trace', async () => {
    const key = `resource:${bench.accountId}/narrow`
    await limits.set(null, key, 4)
    const releases: (() => void)[] = []
    await bench.run(() => new Promise<void>((resolve) => releases.push(resolve)), {
      kind: 'narrow',
      concurrency: 4,
      owner: 'wide',
    })
    const submit = () => bench.submit({ kind: 'narrow', resources: { narrow: 2 } })
    const jobs = [await submit(), await submit(), await submit()]
    await expect.poll(() => releases).toHaveLength(2)
    expect(await find(key)).toMatchObject({ used: 4 })
    expect(await limits.set(null, key, 2)).toMatchObject({ slots: 2, used: 4 })
    releases[0]?.()
    await expect.poll(() => find(key)).toMatchObject({ used: 2 })
    expect(releases).toHaveLength(2)
    releases[1]?.()
    await expect.poll(() => releases).toHaveLength(3)
    // Removed while its slots are held, and made anew: the end of the old lease takes nothing from the new count.
    await limits.remove(null, key)
    await limits.set(null, key, 1)
    releases[2]?.()
    for (const job of jobs) expect(await bench.finished(job)).toMatchObject({ state: 'success' })
    expect(await find(key)).toMatchObject({ used: 0 })
    const history = await database.postgres.query<{ limit_ids: number[] }>(sql`
      select limit_ids from job_history where job_id = ${jobs[2]?.id} and to_state = 'success'`)
    expect(history[0]?.limit_ids).toHaveLength(1)
  })
})
