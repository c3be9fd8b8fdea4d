import { afterEach, describe, expect, test } from 'vitest'

import { Client, path, persistence } from './client.ts'
import { FakeClock } from './testing/fake-terminal.ts'
import { problem, scriptedServer } from './testing/scripted-server.ts'
import type { ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** `fraction` 0 leaves the waits as long as they are meant to be. */
function clientOf(url: string, clock = new FakeClock(), apiKey: string | undefined = '1/abc') {
  const config = {
    url: { value: url, origin: 'the test' },
    apiKey: apiKey === undefined ? undefined : { value: apiKey, origin: 'the test' },
    database: undefined,
    passedOver: ['the key in x is for y'],
  }
  const client = new Client({ config, clock, randomness: { bytes: () => Buffer.alloc(0), fraction: () => 0 } })
  return { client, clock }
}

test('encodes what is put into a path', () => {
  expect(path`/databases/${'a/b ?'}/tables/${7}`).toBe('/databases/a%2Fb%20%3F/tables/7')
})

test('sends the key, the query and JSON', async () => {
  server = await scriptedServer(() => ({ body: { ok: true } }))
  const { client } = clientOf(server.url)
  expect(await client.call('POST', '/x', { query: { a: 'ä&b', n: 2, none: undefined }, json: { b: 1 } })).toEqual({
    ok: true,
  })
  const [request] = server.requests
  expect(request).toMatchObject({ method: 'POST', path: '/api/v1/x' })
  expect(request?.query.toString()).toBe('a=%C3%A4%26b&n=2')
  expect(request?.headers).toMatchObject({ authorization: 'Bearer 1/abc', 'content-type': 'application/json' })
  expect(request?.body.toString()).toBe('{"b":1}')
})

test('follows the cursor through all pages', async () => {
  server = await scriptedServer(({ query }) =>
    query.get('cursor') === 'c'
      ? { body: { items: [3], next_cursor: null } }
      : { body: { items: [1, 2], next_cursor: 'c' } },
  )
  expect(await clientOf(server.url).client.list('/things')).toEqual([1, 2, 3])
})

describe('a busy server', () => {
  test('is asked again as late as it wishes, and later each time', async () => {
    server = await scriptedServer((_, number) => {
      if (number === 1) return { ...problem(429, 'too_many_requests'), headers: { 'retry-after': '3' } }
      return number < 4 ? problem(503, 'overloaded') : { body: 1 }
    })
    const { client, clock } = clientOf(server.url)
    expect(await client.get('/x')).toBe(1)
    expect(clock.sleeps).toEqual([3000, 500, 1000])
  })

  test('is given up after a while', async () => {
    server = await scriptedServer(() => problem(503, 'overloaded', { hint: 'Wait.' }))
    const { client, clock } = clientOf(server.url)
    await expect(client.get('/x')).rejects.toMatchObject({
      exitCode: 69,
      message: 'It is overloaded.',
      fields: { where: 'GET /x', hint: 'Wait.', requestId: 'request-1' },
    })
    expect(clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(10_000)
  })

  test('is not asked again when it asks for more patience than there is', async () => {
    server = await scriptedServer(() => ({ ...problem(503, 'overloaded'), headers: { 'retry-after': '3600' } }))
    const { client, clock } = clientOf(server.url)
    await expect(client.get('/x')).rejects.toMatchObject({ exitCode: 69 })
    expect(clock.sleeps).toEqual([])
  })
})

describe('a failure', () => {
  test('that is for good is not repeated', async () => {
    server = await scriptedServer(() => problem(404, 'table_not_found'))
    await expect(clientOf(server.url).client.get('/x')).rejects.toMatchObject({ exitCode: 4 })
    expect(server.requests.length).toBe(1)
  })

  test('of the key tells where the key came from, or why there is none', async () => {
    server = await scriptedServer(() => problem(401, 'unauthenticated'))
    await expect(clientOf(server.url).client.get('/x')).rejects.toMatchObject({
      exitCode: 3,
      fields: { hint: /came from the test/ },
    })
    const { client } = clientOf(server.url)
    const without = new Client({
      config: { ...client.config, apiKey: undefined },
      clock: new FakeClock(),
      randomness: { bytes: () => Buffer.alloc(0), fraction: () => 0 },
    })
    await expect(without.get('/x')).rejects.toMatchObject({ fields: { hint: /the key in x is for y/ } })
  })

  test('of something that is not Biwa says so', async () => {
    server = await scriptedServer(() => ({ body: Buffer.from('<html>'), headers: { 'content-type': 'text/html' } }))
    await expect(clientOf(server.url).client.get('/x')).rejects.toMatchObject({ message: /does not speak as Biwa/ })
  })
})

describe('a server that is not there', () => {
  test('fails at once where a repetition could do harm', async () => {
    server = await scriptedServer(() => ({}))
    const { url } = server
    await server.close()
    server = undefined
    const { client, clock } = clientOf(url)
    await expect(client.post('/x')).rejects.toMatchObject({ exitCode: 69, message: /nothing listens there/ })
    expect(clock.sleeps).toEqual([])
  })

  test('is waited for where it does none', async () => {
    server = await scriptedServer(() => ({}))
    const { url } = server
    await server.close()
    server = undefined
    const { client, clock } = clientOf(url)
    const told: string[] = []
    const retry = { ...persistence, onRetry: ({ message }: Error) => told.push(message) }
    await expect(client.send('PUT', '/x', { retry })).rejects.toMatchObject({ exitCode: 69 })
    expect(clock.sleeps.slice(0, 7)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000])
    expect(told.length).toBe(clock.sleeps.length)
  })

  test('or breaks off in the middle of an answer, is asked again where that does no harm', async () => {
    server = await scriptedServer((_, number) => (number === 1 ? { body: { a: 1 }, cut: true } : { body: { a: 2 } }))
    const { client } = clientOf(server.url)
    await expect(client.get('/x')).rejects.toMatchObject({ exitCode: 69 })
    server.requests.length = 0
    expect(await client.get('/x', {}, { retry: persistence })).toEqual({ a: 2 })
  })
})
