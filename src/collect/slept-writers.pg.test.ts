import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { openLog } from '../base/log.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import { sql } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import { openBulkImports } from './bulk/open-bulk-imports.ts'
import { openObjectInbox } from './inbox/object-inbox.ts'
import type { CollectBench } from './testing/collect-bench.ts'
import { openCollectBench } from './testing/collect-bench.ts'

/** A machine that sleeps for an hour and more than half a day while it stores an object. */
const sleptMs = 13 * 3_600_000

const ports = { randomness: systemRandomness, log: openLog('silent'), disk: systemDisk }
let bench: CollectBench
let folder: string
let sleeps: boolean
let aheadMs: number

beforeAll(async () => {
  bench = await openCollectBench()
  folder = await mkdtemp(join(tmpdir(), 'biwa-slept-'))
  await bench.store.createDatabase(bench.owner.accountId, 'web')
  await bench.store.createTable(bench.owner.accountId, 'web', 'log')
})
afterAll(async () => {
  await bench.close()
  await rm(folder, { recursive: true })
})

const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }

function sleepingStore(): ObjectStore {
  const { objects } = bench
  const sleep = (): void => {
    if (sleeps) aheadMs = sleptMs
  }
  return new Proxy(objects, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, given)
        if (name === 'put' || name === 'putFile') sleep()
        return result
      }
    },
  })
}

test('an object of the inbox that may be swept by now is not acknowledged', async () => {
  const { postgres } = bench
  const inbox = openObjectInbox({ objects: sleepingStore(), postgres, clock, ...ports })
  const header = { accountId: bench.owner.accountId } as Parameters<typeof inbox.append>[0]
  for (const [isLate, rows] of [
    [true, 0],
    [false, 1],
  ] as const) {
    ;[sleeps, aheadMs] = [isLate, 0]
    const appended = inbox.append(header, Buffer.from('body'))
    if (isLate) await expect(appended).rejects.toMatchObject({ code: 'inbox_unavailable', retryAfterSeconds: 1 })
    else await expect(appended).resolves.toMatchObject({ accountId: bench.owner.accountId })
    expect(await postgres.query(sql`select 1 from inbox_objects`)).toHaveLength(rows)
  }
  await inbox.stop()
})

test('a part of a bulk import that may be swept by now is not taken', async () => {
  const bulk = openBulkImports({ ...bench, clock, ...ports, objects: sleepingStore(), scratchDirectory: folder })
  await bulk.create(bench.owner, 'import', { database: 'web', table: 'log' })
  const upload = () => bulk.uploadPart(bench.owner, 'import', 'part', Readable.from([Buffer.from('x')]))
  ;[sleeps, aheadMs] = [true, 0]
  await expect(upload()).rejects.toMatchObject({ code: 'object_store_unavailable', retryAfterSeconds: 1 })
  expect(await bulk.parts(bench.owner, 'import')).toEqual([])
  ;[sleeps, aheadMs] = [false, 0]
  await upload()
  expect(await bulk.parts(bench.owner, 'import')).toHaveLength(1)
})
