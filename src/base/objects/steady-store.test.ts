import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { seededRandomness } from '../../jobs/testing/seeded-randomness.ts'
import { systemClock } from '../clock.ts'
import { systemDisk } from '../disk.ts'
import { AppError } from '../errors.ts'
import { openLog } from '../log.ts'
import { systemRandomness } from '../randomness.ts'
import { openDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './objects.ts'
import { openS3Store } from './s3-store.ts'
import { steadyStore } from './steady-store.ts'
import type { FaultyS3Proxy, ProxyFaults } from './testing/faulty-s3-proxy.ts'
import { openFaultyS3Proxy } from './testing/faulty-s3-proxy.ts'
import type { Fault, FaultRates } from './testing/faulty-store.ts'
import { FaultyStore } from './testing/faulty-store.ts'
import type { S3Server } from './testing/s3-server.ts'
import { openS3Server } from './testing/s3-server.ts'

const ports = { disk: systemDisk, clock: systemClock, randomness: systemRandomness, log: openLog('silent') }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-steady-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const steady = (driver: ObjectStore, silenceMsMax = 100, attemptsMax = 12): ObjectStore =>
  steadyStore(driver, {
    ...ports,
    // Pauses are not what is tested here.
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) },
    silenceMsMax,
    attemptsMax,
  })

const body = (length: number): Buffer => Buffer.alloc(length, 'biwa')

/** What everybody does with a store, whatever goes wrong below it. */
async function useStore(store: ObjectStore, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const bytes = 100_000 + round
    const expected = body(bytes)
    await store.put(`used/put-${round}`, expected)
    const path = join(folder, `file-${round}`)
    await writeFile(path, expected)
    await store.putFile(`used/file-${round}`, path)
    await expect(stat(path)).rejects.toThrow('ENOENT')
    for (const key of [`used/put-${round}`, `used/file-${round}`]) {
      expect((await store.get(key, undefined, { bytes })).equals(expected)).toBe(true)
      const range = { from: 70_000, to: 200_000 }
      expect((await store.get(key, range, { bytes })).equals(expected.subarray(70_000))).toBe(true)
      expect((await buffer(await store.stream(key, undefined, { bytes }))).equals(expected)).toBe(true)
      expect((await buffer(await store.stream(key, range, { bytes }))).equals(expected.subarray(70_000))).toBe(true)
      const local = await store.materialize(key, { bytes })
      expect((await readFile(local.path)).equals(expected)).toBe(true)
      local.release()
    }
    await store.remove(`used/put-${round}`)
  }
  const keys: string[] = []
  for await (const { key } of store.list('used/')) keys.push(key)
  expect(keys.length).toBe(rounds)
  expect(new Set(keys).size).toBe(rounds)
}

describe('over a faulty store', () => {
  const rates: FaultRates = { refused: 0.1, unanswered: 0.1, stalled: 0.03, truncated: 0.1, slow: 0.1, late: 0.1 }
  const open = async (seed: number, wanted: FaultRates) => {
    const inner = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
    const faulty = new FaultyStore(inner, { rates: wanted, randomness: seededRandomness(seed), clock: systemClock })
    return { faulty, store: steady(faulty) }
  }

  test.each([1, 2, 3])('everything comes out right in the end (seed %d)', async (seed) => {
    const { faulty, store } = await open(seed, rates)
    await useStore(store, 12)
    for (const fault of Object.keys(rates) as Fault[]) expect(faulty.counts[fault]).toBeGreaterThan(0)
    await store.close()
  })

  const none: FaultRates = { refused: 0, unanswered: 0, stalled: 0, truncated: 0, slow: 0, late: 0 }
  test('what always fails fails after so many attempts, in clear words', async () => {
    const { faulty, store } = await open(1, { ...none, refused: 1 })
    await expect(store.put('a', body(10))).rejects.toMatchObject({ code: 'object_store_unavailable' })
    expect(faulty.counts.refused).toBe(12)
  })

  test('an object that is shorter than it was written is damaged, not unavailable', async () => {
    const { store } = await open(1, none)
    await store.put('cut', body(1000))
    await truncate(join(folder, 'objects/cut'), 600)
    const damaged = {
      code: 'object_damaged',
      retryable: false,
      message: 'The object "cut" gives 600 bytes where 1000 were written.',
      hint: expect.stringContaining('biwa verify') as string,
    }
    await expect(store.get('cut', undefined, { bytes: 1000 })).rejects.toMatchObject(damaged)
    await expect(store.materialize('cut', { bytes: 1000 })).rejects.toMatchObject(damaged)
    await expect(buffer(await store.stream('cut', undefined, { bytes: 1000 }))).rejects.toMatchObject(damaged)
  })

  test('what is missing stays missing', async () => {
    const { store } = await open(1, none)
    await expect(store.get('nothing')).rejects.toMatchObject({ code: 'object_not_found' })
    await expect(store.materialize('nothing', { bytes: 1 })).rejects.toMatchObject({ code: 'object_not_found' })
    expect(await store.size('nothing')).toBeUndefined()
  })

  test('a disk that is full is said at once', async () => {
    const inner = await openDirectoryStore({ root: join(folder, 'objects'), ...ports })
    let asked = 0
    const full: ObjectStore = Object.create(inner, {
      put: {
        value: () => {
          asked += 1
          return Promise.reject(new AppError('storage_full', 'The disk is full.'))
        },
      },
    }) as ObjectStore
    await expect(steady(full).put('a', body(1))).rejects.toMatchObject({ code: 'storage_full' })
    expect(asked).toBe(1)
  })
})

describe('over S3 on a faulty line', () => {
  let server: S3Server
  let proxy: FaultyS3Proxy
  let driver: ObjectStore
  let store: ObjectStore
  beforeEach(async () => {
    server = await openS3Server()
    proxy = await openFaultyS3Proxy(server.endpoint, seededRandomness(4))
    driver = await openS3Store({
      bucket: 'biwa',
      prefix: 'p',
      endpoint: proxy.endpoint,
      credentials: server.credentials,
      forcePathStyle: true,
      cacheDirectory: join(folder, 'cache'),
      cacheBytesMax: 1_000_000,
      ...ports,
    })
    store = steady(driver, 400)
  })
  afterEach(async () => {
    await store.close()
    await proxy.close()
    await server.close()
  })

  test('everything comes out right in the end', async () => {
    const faults: ProxyFaults = {
      internal: 0.05,
      slowDown: 0.05,
      reset: 0.05,
      resetAfter: 0.05,
      internalAfter: 0.05,
      truncated: 0.1,
      stalledBody: 0.08,
      stalled: 0.04,
    }
    proxy.setFaults(faults)
    await useStore(store, 5)
    for (const fault of Object.keys(faults) as (keyof ProxyFaults)[]) expect(proxy.counts[fault]).toBeGreaterThan(0)
  })

  test('a large upload survives resets of its parts', async () => {
    const path = join(folder, 'large')
    const bytes = 21_000_000
    await writeFile(path, body(bytes))
    proxy.setFaults({ reset: 0.2, internalAfter: 0.2, slowDown: 0.1 })
    // Nothing stalls here, however busy the machine is.
    const patient = steady(driver, 20_000)
    await patient.putFile('large', path)
    proxy.setFaults({})
    expect(await patient.size('large')).toBe(bytes)
    expect((await patient.get('large', undefined, { bytes })).equals(body(bytes))).toBe(true)
  })

  test('a body that stops in the middle is cut, and no part of it stays in the cache', async () => {
    await store.put('a', body(200_000))
    proxy.setFaults({ stalledBody: 1 })
    const short = steady(store, 100, 2)
    await expect(short.materialize('a', { bytes: 200_000 })).rejects.toMatchObject({
      code: 'object_store_unavailable',
      message: expect.stringContaining('no sign of life') as string,
    })
    proxy.setFaults({})
    const local = await store.materialize('a', { bytes: 200_000 })
    expect((await readFile(local.path)).equals(body(200_000))).toBe(true)
    local.release()
  })

  test('a copy that shrank on the disk is fetched anew', async () => {
    await store.put('a', body(5000))
    const first = await store.materialize('a', { bytes: 5000 })
    first.release()
    await truncate(first.path, 100)
    const second = await store.materialize('a', { bytes: 5000 })
    expect((await readFile(second.path)).equals(body(5000))).toBe(true)
    second.release()
  })
})
