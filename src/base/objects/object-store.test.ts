import { randomBytes } from 'node:crypto'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import { systemDisk } from '../disk.ts'
import { systemRandomness } from '../randomness.ts'
import { openDirectoryStore } from './directory-store.ts'
import { openS3Store } from './s3-store.ts'
import { openS3Server } from './testing/s3-server.ts'
import type { ObjectEntry, ObjectStore } from './objects.ts'

/** A driver under test, and a folder outside of it for files that go in. */
interface OpenedStore {
  readonly store: ObjectStore
  readonly folder: string
  close(): Promise<void>
}

async function openInDirectory(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-objects-'))
  const root = join(folder, 'objects')
  const options = { root, disk: systemDisk, clock: systemClock, randomness: systemRandomness }
  const store = await openDirectoryStore(options)
  return { store, folder, close: () => rm(folder, { recursive: true, force: true }) }
}

async function openOnS3(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-objects-'))
  const server = await openS3Server()
  const store = await openS3Store({
    bucket: 'biwa',
    prefix: 'some/prefix',
    endpoint: server.endpoint,
    credentials: server.credentials,
    forcePathStyle: true,
    cacheDirectory: join(folder, 'cache'),
    cacheBytesMax: 1_000_000,
    disk: systemDisk,
    randomness: systemRandomness,
  })
  const close = async () => {
    await store.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { store, folder, close }
}

// What every driver of the object store has to do. S3 promises more than the server that stands in for it here, which
// lists folders first and writes objects in place: where the server decides, the driver is not tested with it.
describe.each([
  ['in a directory', openInDirectory],
  ['on S3', openOnS3],
])('an object store %s', (name, open) => {
  const lenient = name === 'on S3'
  let opened: OpenedStore
  let store: ObjectStore
  beforeAll(async () => {
    opened = await open()
    store = opened.store
  })
  afterAll(() => opened.close())

  const listed = async (prefix: string): Promise<ObjectEntry[]> => {
    const entries: ObjectEntry[] = []
    for await (const entry of store.list(prefix)) entries.push(entry)
    return entries
  }

  test('returns what was put', async () => {
    const body = randomBytes(3_000_000)
    await store.put('a/b/body.bin', body)
    expect(await store.size('a/b/body.bin')).toBe(body.byteLength)
    expect((await store.get('a/b/body.bin')).equals(body)).toBe(true)
    expect((await buffer(await store.stream('a/b/body.bin'))).equals(body)).toBe(true)
  })

  test('keeps an empty object', async () => {
    await store.put('empty', new Uint8Array())
    expect(await store.size('empty')).toBe(0)
    expect((await store.get('empty')).byteLength).toBe(0)
    expect((await buffer(await store.stream('empty'))).byteLength).toBe(0)
    const local = await store.materialize('empty')
    expect((await readFile(local.path)).byteLength).toBe(0)
    local.release()
  })

  test('replaces an object', async () => {
    await store.put('replaced', Buffer.from('old and long'))
    const before = await store.materialize('replaced')
    before.release()
    await store.put('replaced', Buffer.from('new'))
    expect((await store.get('replaced')).toString()).toBe('new')
    const local = await store.materialize('replaced')
    expect(await readFile(local.path, 'utf8')).toBe('new')
    local.release()
  })

  test.each([
    [0, 4, '0123'],
    [3, 7, '3456'],
    [7, 10, '789'],
    [8, 99, '89'],
    [4, 4, ''],
    [10, 12, ''],
    [50, 60, ''],
  ])('reads from %d to %d', async (from, to, expected) => {
    await store.put('digits', Buffer.from('0123456789'))
    expect((await store.get('digits', { from, to })).toString()).toBe(expected)
    expect((await buffer(await store.stream('digits', { from, to }))).toString()).toBe(expected)
  })

  test('takes in a file and consumes it', async () => {
    const path = join(opened.folder, 'to-take-in')
    const body = randomBytes(200_000)
    await writeFile(path, body)
    await store.putFile('taken/in', path)
    expect((await store.get('taken/in')).equals(body)).toBe(true)
    await expect(access(path)).rejects.toThrow('ENOENT')
  })

  test('takes in a file of many parts', async () => {
    const path = join(opened.folder, 'large')
    const body = Buffer.alloc(21_000_000, randomBytes(1_000_003))
    await writeFile(path, body)
    await store.putFile('taken/large', path)
    expect(await store.size('taken/large')).toBe(body.byteLength)
    expect((await store.get('taken/large')).equals(body)).toBe(true)
  })

  test('says that an object is missing', async () => {
    expect(await store.size('missing')).toBeUndefined()
    await expect(store.get('missing')).rejects.toMatchObject({ code: 'object_not_found' })
    await expect(store.get('missing', { from: 2, to: 2 })).rejects.toMatchObject({ code: 'object_not_found' })
    await expect(store.stream('missing')).rejects.toMatchObject({ code: 'object_not_found' })
    await expect(store.materialize('missing/too')).rejects.toMatchObject({ code: 'object_not_found' })
  })

  test('removes an object, even one that is not there', async () => {
    await store.put('removed/one', Buffer.from('x'))
    await store.remove('removed/one')
    await store.remove('removed/one')
    expect(await store.size('removed/one')).toBeUndefined()
    await expect(store.materialize('removed/one')).rejects.toMatchObject({ code: 'object_not_found' })
  })

  test.skipIf(lenient)('lists in the order of keys', async () => {
    const keys = ['list/a-b/1', 'list/a.b', 'list/a/1', 'list/a/2', 'list/a/b/c', 'list/a0', 'list/b']
    for (const key of keys.toReversed()) await store.put(key, Buffer.from(key))
    const entries = await listed('list/')
    expect(entries.map((entry) => entry.key)).toEqual(keys)
    expect(entries.map((entry) => entry.bytes)).toEqual(keys.map((key) => key.length))
    for (const { modifiedMs } of entries) expect(Math.abs(modifiedMs - Date.now())).toBeLessThan(600_000)
    expect((await listed('list/a/')).map((entry) => entry.key)).toEqual(['list/a/1', 'list/a/2', 'list/a/b/c'])
    expect((await listed('list/a')).map((entry) => entry.key)).toEqual(keys.slice(0, -1))
    expect(await listed('list/nothing/')).toEqual([])
    for (const [index, after] of keys.entries()) {
      const rest: string[] = []
      for await (const { key } of store.list('list/', { after })) rest.push(key)
      expect(rest).toEqual(keys.slice(index + 1))
    }
    expect((await listed('')).length).toBeGreaterThanOrEqual(keys.length)
  })

  test('lists more than a page, and stops when nobody reads on', async () => {
    const keys = Array.from({ length: 1030 }, (_, index) => `many/${String(index).padStart(5, '0')}`)
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from('x'))))
    }
    expect((await listed('many/')).map((entry) => entry.key)).toEqual(keys)
    for await (const entry of store.list('many/')) {
      expect(entry.key).toBe(keys[0])
      break
    }
  })

  test('gives a local file until it is released', async () => {
    const body = randomBytes(100_000)
    await store.put('local/file', body)
    const [first, second] = await Promise.all([store.materialize('local/file'), store.materialize('local/file')])
    first.release()
    first.release()
    expect((await readFile(second.path)).equals(body)).toBe(true)
    second.release()
  })

  test('lets go of a stream that is not read', async () => {
    await store.put('unread', randomBytes(2_000_000))
    const unread = await store.stream('unread')
    unread.destroy()
    const begun = await store.stream('unread')
    for await (const block of begun) {
      expect(block.length).toBeGreaterThan(0)
      break
    }
    expect(begun.destroyed).toBe(true)
  })

  test.skipIf(lenient)('shows the old or the new object while it is replaced, never a part', async () => {
    const bodies = ['a', 'b'].map((letter) => Buffer.alloc(500_000, letter))
    await store.put('raced', bodies[0] ?? Buffer.of())
    const writes = Array.from({ length: 10 }, (_, index) => store.put('raced', bodies[index % 2] ?? Buffer.of()))
    const reads = Array.from({ length: 10 }, () => store.get('raced'))
    await Promise.all(writes)
    for (const read of await Promise.all(reads)) expect(bodies.some((body) => body.equals(read))).toBe(true)
  })

  test.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.tmp/x', 'a/.b', 'A', 'a b', 'a\\b', 'ä', 'a\n'])(
    'refuses %j as a key',
    async (key) => {
      await expect((async () => await store.put(key, Buffer.of(1)))()).rejects.toThrow('is a key')
      await expect((async () => await store.get(key))()).rejects.toThrow('is a key')
    },
  )

  test('passes its own check, and leaves nothing behind', async () => {
    await store.check()
    expect(await listed('check/')).toEqual([])
  })
})
