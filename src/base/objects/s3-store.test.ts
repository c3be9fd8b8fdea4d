import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import { systemDisk } from '../disk.ts'
import { openLog } from '../log.ts'
import { systemRandomness } from '../randomness.ts'
import type { ObjectStore } from './objects.ts'
import { openObjectStore } from './open-object-store.ts'
import { openS3Store } from './s3-store.ts'
import { steadyStore } from './steady-store.ts'
import type { S3Server } from './testing/s3-server.ts'
import { openS3Server } from './testing/s3-server.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-s3-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const openAt = (endpoint: string, more: { bucket?: string; prefix?: string } = {}) =>
  openS3Store({
    bucket: more.bucket ?? 'biwa',
    prefix: more.prefix ?? '',
    endpoint,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    forcePathStyle: true,
    cacheDirectory: join(folder, 'cache'),
    cacheBytesMax: 1_000_000,
    disk: systemDisk,
    randomness: systemRandomness,
  })

const steadiness = {
  disk: systemDisk,
  clock: systemClock,
  randomness: systemRandomness,
  log: openLog('silent'),
  silenceMsMax: 10_000,
  attemptsMax: 3,
}

const copiesOf = async (): Promise<string[]> => {
  const found = await readdir(join(folder, 'cache'), { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('with an S3 server', () => {
  let server: S3Server
  let store: ObjectStore
  beforeEach(async () => {
    server = await openS3Server()
    store = await openAt(server.endpoint)
  })
  afterEach(async () => {
    await store.close()
    await server.close()
  })

  test('prefixes keep stores in one bucket apart', async () => {
    const other = await openAt(server.endpoint, { prefix: 'other' })
    await other.put('a', Buffer.from('other'))
    await store.put('a', Buffer.from('plain'))
    expect((await other.get('a')).toString()).toBe('other')
    const keys: string[] = []
    for await (const { key } of other.list('')) keys.push(key)
    expect(keys).toEqual(['a'])
  })

  test('a file that was taken in is there locally without another request', async () => {
    await writeFile(join(folder, 'file'), 'body')
    await store.putFile('a', join(folder, 'file'))
    const copies = await copiesOf()
    const local = await store.materialize('a')
    expect(await readFile(local.path, 'utf8')).toBe('body')
    expect(copies).toEqual([local.path])
    local.release()
  })

  test('a copy outlives the object while it is held', async () => {
    await store.put('a', Buffer.from('body'))
    const local = await store.materialize('a')
    await store.remove('a')
    expect(await readFile(local.path, 'utf8')).toBe('body')
    local.release()
    await expect(store.materialize('a')).rejects.toMatchObject({ code: 'object_not_found' })
  })

  test('a bucket that is not there is said so', async () => {
    const lost = await openAt(server.endpoint, { bucket: 'nowhere' })
    await expect(lost.check()).rejects.toMatchObject({
      code: 'object_store_unavailable',
      hint: expect.stringContaining('Create the bucket "nowhere"') as string,
    })
    await expect(lost.get('a')).rejects.toMatchObject({ code: 'object_store_unavailable' })
  })
})

test('a server that is not there is said so', async () => {
  const store = await openAt('http://127.0.0.1:9')
  const unavailable = { code: 'object_store_unavailable', retryable: true }
  await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject(unavailable)
  await expect(store.materialize('a')).rejects.toMatchObject(unavailable)
  await expect(store.size('a')).rejects.toMatchObject(unavailable)
  expect(await copiesOf()).toEqual([])
})

describe('with a server that breaks off', () => {
  const body = Buffer.alloc(300_000, 'abc')
  let server: Server
  let requests: number

  /** Announces the whole body and gives half of it, as often as told; then all. */
  const openBreaking = async (breaks: number): Promise<ObjectStore> => {
    requests = 0
    server = createServer((_request: IncomingMessage, response: ServerResponse) => {
      requests += 1
      response.writeHead(200, { 'content-length': body.byteLength })
      if (requests > breaks) response.end(body)
      else response.write(body.subarray(0, body.byteLength / 2), () => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return steadyStore(await openAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), steadiness)
  }
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  test('a body is asked for again, and never given in part', async () => {
    const store = await openBreaking(2)
    expect((await store.get('a')).equals(body)).toBe(true)
    requests = 0
    const local = await store.materialize('a')
    expect((await readFile(local.path)).equals(body)).toBe(true)
    await store.close()
  })

  test('after three attempts it is unavailable', async () => {
    const store = await openBreaking(1000)
    await expect(store.get('a')).rejects.toMatchObject({ code: 'object_store_unavailable' })
    expect(requests).toBe(3)
    await expect(store.materialize('a')).rejects.toMatchObject({ code: 'object_store_unavailable' })
    await expect(buffer(await store.stream('a'))).rejects.toMatchObject({ code: 'object_store_unavailable' })
    await store.close()
  })
})

describe('the setting', () => {
  const open = (location: string, endpoint?: string) =>
    openObjectStore({
      location,
      ...(endpoint !== undefined && { endpoint }),
      cacheDirectory: join(folder, 'cache'),
      cacheBytesMax: 1000,
      ...steadiness,
    })

  test('names a directory', async () => {
    const store = await open(join(folder, 'objects'))
    await store.check()
    await store.put('a', Buffer.from('x'))
    expect(await readFile(join(folder, 'objects/a'), 'utf8')).toBe('x')
  })

  test.each(['s3://bucket', 's3://bucket/', 's3://my.bucket-1/some/Prefix', 's3://bucket/a/'])(
    'names a bucket: %s',
    async (location) => {
      const store = await open(location, 'http://127.0.0.1:9')
      await store.close()
    },
  )

  test.each(['s3://', 's3:bucket', 's3://Bucket', 's3://bucket//a', 's3://bucket/a b', 'gs://bucket', 's3://b/../x'])(
    'makes no sense: %s',
    async (location) => {
      await expect(open(location)).rejects.toMatchObject({ code: 'startup' })
    },
  )

  test.each(['127.0.0.1:9000', 'ftp://x', ''])('has an endpoint that makes no sense: %j', async (endpoint) => {
    await expect(open('s3://bucket', endpoint)).rejects.toMatchObject({ code: 'startup' })
  })
})
