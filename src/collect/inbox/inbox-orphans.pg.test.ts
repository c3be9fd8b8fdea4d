import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { openDirectoryStore } from '../../base/objects/directory-store.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness, uuidv7 } from '../../base/randomness.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import { openLog } from '../../base/log.ts'
import { resultOrphans } from '../../deliver/result-orphans.ts'
import { markReleased, registerObject } from './inbox-objects.sql.ts'
import { inboxOrphans } from './inbox-orphans.ts'

const ports = { disk: systemDisk, randomness: systemRandomness, log: openLog('silent') }
/** A day and a minute ahead. */
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 86_460_000 }
const ageMs = 86_400_000

test('what an intake wrote and never registered is removed, and what a query stored and never named', async () => {
  const database = await openTestDatabase()
  const { postgres } = database
  const folder = await mkdtemp(join(tmpdir(), 'biwa-orphans-'))
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), clock: systemClock, ...ports })
  const ids = Array.from({ length: 3 }, () => uuidv7(systemClock, systemRandomness))
  const keys = ids.map((id) => `inbox/${id}`)
  for (const key of keys) await objects.put(key, Buffer.from('frames'))
  for (const [index, key] of keys.slice(0, 2).entries()) {
    const id = ids[index] ?? ''
    await registerObject(postgres, { id, objectKey: key, bytes: 6, intakeId: uuidv7(systemClock, systemRandomness) })
  }
  await markReleased(postgres, keys[1] ?? '')
  expect(await inboxOrphans(postgres, { objects, clock: systemClock, ageMs }).step()).toBe(0)
  expect(await inboxOrphans(postgres, { objects, clock, ageMs }).step()).toBe(1)
  expect(await Promise.all(keys.map((key) => objects.size(key)))).toEqual([6, 6, undefined])

  const jobs = openJobs({ postgres, ...ports, clock: systemClock })
  const [account] = await postgres.query<{ id: number }>(sql`insert into accounts (name) values ('a') returning id`)
  const accountId = account?.id ?? 0
  const { job } = await jobs.submit({ accountId, kind: 'query', input: {} })
  const ended = await jobs.submit({ accountId, kind: 'query', input: {} })
  await jobs.kill(accountId, ended.job.id, 'test')
  const results = [`${job.id}-1.parquet`, `${ended.job.id}-1.parquet`, `${ended.job.id}/csv`, '999999-1.parquet']
  for (const name of results) await objects.put(`results/${accountId}/${name}`, Buffer.from('rows'))
  expect(await resultOrphans(jobs, { objects, clock, ageMs }).step()).toBe(1)
  expect(await objects.size(`results/${accountId}/${ended.job.id}-1.parquet`)).toBeUndefined()
  await rm(folder, { recursive: true })
  await database.close()
})
