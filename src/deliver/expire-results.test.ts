import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { openDirectoryStore } from '../base/objects/directory-store.ts'
import { systemRandomness } from '../base/randomness.ts'
import { expireResults } from './expire-results.ts'

it('removes old results, and nothing else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'biwa-results-'))
  const ports = { disk: systemDisk, clock: systemClock, randomness: systemRandomness }
  const objects = await openDirectoryStore({ root, ...ports })
  await objects.put('results/1/17-3.parquet', Buffer.from('a'))
  await objects.put('results/1/17-3-as.csv', Buffer.from('b'))
  await objects.put('chunks/1/2/3.parquet', Buffer.from('c'))
  expect(await expireResults(objects, systemClock.nowMs() - 60_000)).toBe(0)
  expect(await expireResults(objects, systemClock.nowMs() + 60_000)).toBe(2)
  expect(await objects.size('results/1/17-3-as.csv')).toBeUndefined()
  expect(await objects.size('chunks/1/2/3.parquet')).toBe(1)
  await rm(root, { recursive: true })
})
