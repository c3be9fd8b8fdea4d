import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { openLog } from '../base/log.ts'
import { openDirectoryStore } from '../base/objects/directory-store.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Job } from '../jobs/jobs.ts'
import { resultOrphans } from './result-orphans.ts'

const ageMs = 86_400_000
/** A day and a minute ahead. */
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + ageMs + 60_000 }

const key = (id: number) => `results/1/${id}-3.parquet`
const outputs = new Map([
  [1, { resultKey: key(1) }],
  [2, { resultKey: key(2), inline: 'UEFSMQ==' }],
  [3, { resultKey: 'results/1/3-4.parquet' }],
])

test('an object stays that is the result of its job, and not where the result lies with the job', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-result-orphans-'))
  const ports = { disk: systemDisk, clock, randomness: systemRandomness, log: openLog('silent') }
  const objects = await openDirectoryStore({ root: folder, ...ports })
  for (const id of outputs.keys()) await objects.put(key(id), Buffer.from('rows'))
  const jobs = { get: async (_: number | null, id: number) => ({ state: 'success', output: outputs.get(id) }) as Job }
  expect(await resultOrphans(jobs, { objects, clock, ageMs }).step()).toBe(2)
  expect(await Promise.all([...outputs.keys()].map((id) => objects.size(key(id))))).toEqual([4, undefined, undefined])
  await rm(folder, { recursive: true })
})
