import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import { systemDisk } from '../disk.ts'
import { systemRandomness } from '../randomness.ts'
import { openDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './objects.ts'
import { OrphanWalk } from './orphan-walk.ts'
import { openS3Store } from './s3-store.ts'
import { openS3Server } from './testing/s3-server.ts'

const ports = { disk: systemDisk, clock: systemClock, randomness: systemRandomness }

let folder: string
let closing: (() => Promise<void>)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-orphans-'))
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await rm(folder, { recursive: true, force: true })
})

const inDirectory = () => openDirectoryStore({ root: join(folder, 'objects'), ...ports })

async function onS3(): Promise<ObjectStore> {
  const server = await openS3Server()
  const store = await openS3Store({
    bucket: 'biwa',
    prefix: 'p',
    endpoint: server.endpoint,
    credentials: server.credentials,
    forcePathStyle: true,
    cacheDirectory: join(folder, 'cache'),
    cacheBytesMax: 1000,
    ...ports,
  })
  closing = [() => store.close(), () => server.close()]
  return store
}

describe.each([
  ['in a directory', inDirectory],
  ['on S3', onS3],
])('a walk over orphans %s', (_name, open) => {
  test('removes what is old and unknown, below its prefix', async () => {
    const store = await open()
    for (const key of ['inbox/a', 'inbox/b', 'inbox/note.txt', 'other/a']) await store.put(key, Buffer.from('x'))
    let aheadMs = 0
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }
    const asked: string[][] = []
    const rule = {
      prefix: 'inbox/',
      madeMs: ({ key, modifiedMs }: { key: string; modifiedMs: number }) =>
        key.endsWith('.txt') ? undefined : modifiedMs,
      async known(keys: readonly string[]) {
        asked.push([...keys])
        return keys.filter((key) => key === 'inbox/b')
      },
    }
    const walk = new OrphanWalk(rule, { objects: store, clock, ageMs: 60_000 })
    expect(await walk.step()).toBe(0)
    expect(asked).toEqual([])
    aheadMs = 120_000
    expect(await walk.step()).toBe(1)
    expect(asked).toEqual([['inbox/a', 'inbox/b']])
    expect(await walk.step()).toBe(0)
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)
    expect(keys.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['inbox/b', 'inbox/note.txt', 'other/a'])
    await walk.stop()
  })

  test('begins anew after a listing that failed', async () => {
    const store = await open()
    await store.put('inbox/a', Buffer.from('x'))
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 120_000 }
    let known = (): Promise<string[]> => Promise.reject(new Error('the database is away'))
    const rule = { prefix: 'inbox/', madeMs: () => 0, known: () => known() }
    const walk = new OrphanWalk(rule, { objects: store, clock, ageMs: 60_000 })
    await expect(walk.step()).rejects.toThrow('the database is away')
    expect(await store.size('inbox/a')).toBe(1)
    known = async () => []
    expect(await walk.step()).toBe(1)
  })
})
