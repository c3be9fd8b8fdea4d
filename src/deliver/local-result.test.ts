import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { openLog } from '../base/log.ts'
import { openDirectoryStore } from '../base/objects/directory-store.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Attempt } from '../jobs/jobs.ts'
import type { LocalResultParts } from './local-result.ts'
import { withLocalResult } from './local-result.ts'

const attempt = { job: { id: 7 }, leaseToken: 3 } as Attempt
const inline = Buffer.from('PAR1 inside').toString('base64')
let folder: string
let parts: LocalResultParts

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-local-result-'))
  const ports = { disk: systemDisk, clock: systemClock, randomness: systemRandomness, log: openLog('silent') }
  const objects = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
  await objects.put('results/1/7-3.parquet', Buffer.from('PAR1 object'))
  parts = { objects, disk: systemDisk, scratchDirectory: join(folder, 'scratch') }
})
afterAll(() => rm(folder, { recursive: true }))

const text = (path: string) => readFile(path, 'utf8')

test('an object is read where it lies, and stays', async () => {
  const result = { columns: [], resultKey: 'results/1/7-3.parquet' }
  expect(await withLocalResult(parts, attempt, result, text)).toBe('PAR1 object')
  expect(await withLocalResult(parts, attempt, result, text)).toBe('PAR1 object')
})

test('what lies with the job is a file for as long as it is used, whatever becomes of that', async () => {
  const result = { columns: [], resultKey: 'results/1/7-3.parquet', inline }
  let path = ''
  const read = (given: string) => text((path = given))
  expect(await withLocalResult(parts, attempt, result, read)).toBe('PAR1 inside')
  expect([path.startsWith(parts.scratchDirectory), existsSync(path)]).toEqual([true, false])
  const failing = withLocalResult(parts, attempt, result, async (given) => {
    expect(existsSync(given)).toBe(true)
    throw new Error('the engine died')
  })
  await expect(failing).rejects.toThrow('the engine died')
  expect(existsSync(path)).toBe(false)
})

test('one that is not there any more has expired, unless it is of the attempt itself, which can be made again', async () => {
  const result = { columns: [], resultKey: 'results/1/8-1.parquet' }
  await expect(withLocalResult(parts, attempt, { ...result, madeBy: 8 }, text)).rejects.toMatchObject({
    code: 'result_expired',
    message: 'The result of job 8 is not stored any more.',
  })
  await expect(withLocalResult(parts, attempt, result, text)).rejects.toMatchObject({ code: 'object_not_found' })
})
