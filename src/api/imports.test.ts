import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

import { afterEach, describe, expect, it } from 'vitest'

import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Collect, ImportOutcome } from '../collect/collect.ts'
import type { Problem } from './contract/problem.ts'
import { lightApi } from './testing/light-api.ts'
import type { LightApi, LightParts } from './testing/light-api.ts'

const path = '/api/v1/databases/d/tables/t'
const key = { authorization: 'Bearer 1/full' }

function send(api: LightApi, query: string, payload: string | Buffer = 'x', headers: Record<string, string> = {}) {
  const url = `${path}/import${query}`
  return api.app.inject({ method: 'POST', url, payload, headers: { ...key, ...headers } })
}

describe('a body for import', () => {
  it('goes to the stage as it came', async () => {
    const api = lightApi()
    const bytes = Buffer.from([0, 255, 10, 13, 0xc3])
    const response = await send(api, '?id=b1&format=msgpack&time_column=at', bytes, { 'content-encoding': 'x-gzip' })
    expect([response.statusCode, response.json()]).toEqual([202, { id: 'b1', bytes: 5 }])
    expect(api.imports).toMatchObject([
      { database: 'd', table: 't', uniqueId: 'b1', format: 'msgpack', encoding: 'gzip', timeColumn: 'at' },
    ])
    expect(api.imports[0]?.body).toEqual(bytes)
    expect(api.imports[0]?.principal).toMatchObject({ accountId: 1, keyId: 1 })
  })

  it('may be PUT, and say the same in headers', async () => {
    const api = lightApi()
    const headers = { ...key, 'x-biwa-id': 'b2', 'x-biwa-format': 'csv', 'x-biwa-time-column': 'at' }
    const response = await api.app.inject({ method: 'PUT', url: `${path}/import`, headers, payload: 'a\n1\n' })
    expect(response.statusCode).toBe(202)
    expect(api.imports).toMatchObject([{ uniqueId: 'b2', format: 'csv', timeColumn: 'at', encoding: 'identity' }])
  })

  it('may be empty, which the stage judges', async () => {
    const api = lightApi()
    await send(api, '?format=ndjson', '')
    expect(api.imports[0]?.body.byteLength).toBe(0)
  })

  it.each([
    ['application/json', 'json'],
    ['application/x-ndjson; charset=utf-8', 'ndjson'],
    ['Text/CSV', 'csv'],
    ['text/tab-separated-values', 'tsv'],
    ['application/vnd.msgpack', 'msgpack'],
    ['application/vnd.apache.parquet', 'parquet'],
  ])('of the type %s is %s', async (contentType, format) => {
    const api = lightApi()
    await send(api, '', 'x', { 'content-type': contentType })
    expect(api.imports).toMatchObject([{ format, uniqueId: null, timeColumn: null }])
  })

  it.each([
    ['?format=xml', {}, 'unsupported_format'],
    ['', { 'x-biwa-format': 'xml' }, 'unsupported_format'],
    ['', { 'content-type': 'application/octet-stream' }, 'unsupported_format'],
    ['', {}, 'unsupported_format'],
    ['?format=ndjson', { 'content-encoding': 'lzma' }, 'unsupported_encoding'],
    ['?format=ndjson', { 'content-encoding': 'gzip, br' }, 'unsupported_encoding'],
    ['?format=ndjson&wait=forever', {}, 'invalid_request'],
    [`?format=ndjson&id=${'i'.repeat(256)}`, {}, 'invalid_request'],
  ])('is refused: %s %o', async (query, headers, code) => {
    const api = lightApi()
    const response = await send(api, query, 'x', headers)
    expect(response.json<Problem>().code).toBe(code)
    expect(response.json<Problem>().hint).toBeDefined()
    expect(api.imports).toEqual([])
  })
})

describe('events', () => {
  it.each([
    ['application/json', 'json'],
    ['application/x-ndjson', 'ndjson'],
    ['application/x-www-form-urlencoded', 'json'],
  ])('as %s are %s', async (contentType, format) => {
    const api = lightApi()
    const headers = { ...key, 'content-type': contentType, 'idempotency-key': 'e1' }
    const response = await api.app.inject({ method: 'POST', url: `${path}/events`, headers, payload: '{}' })
    expect(response.statusCode).toBe(202)
    expect(api.imports).toMatchObject([{ format, uniqueId: 'e1' }])
  })
})

describe('waiting until the rows can be queried', () => {
  const outcome: ImportOutcome & { seconds: number } = {
    uniqueId: 'b1',
    accepted: 2,
    quarantined: 1,
    rejected: [{ recordNumber: 1, reason: 'json_syntax', detail: 'x' }],
    duplicate: false,
    error: null,
    seconds: 0.4,
  }
  const waiting = (fields: Partial<ImportOutcome>, asked: number[] = []): LightParts => ({
    collect: {
      async acceptAndWait(_request, timeoutMs) {
        asked.push(timeoutMs)
        return { ...outcome, ...fields }
      },
    },
  })

  it('answers with counts', async () => {
    const asked: number[] = []
    const response = await send(lightApi(waiting({}, asked)), '?format=ndjson&wait=visible&wait_seconds=9')
    expect([response.statusCode, asked]).toEqual([200, [9000]])
    expect(response.json()).toEqual({
      id: 'b1',
      accepted: 2,
      quarantined: 1,
      rejected: [{ record_number: 1, reason: 'json_syntax', detail: 'x' }],
      duplicate: false,
      seconds: 0.4,
    })
  })

  it('tells why nothing could be read, and where the body is kept', async () => {
    const error = new AppError('body_malformed', 'The gzip is corrupted.', { hint: 'Compress it again.' }).toRecord()
    const response = await send(lightApi(waiting({ error })), '?format=ndjson&wait=visible')
    expect(response.json()).toMatchObject({
      status: 422,
      code: 'body_malformed',
      detail: 'The gzip is corrupted.',
      hint: 'Compress it again. The body is in the quarantine of d.t under the id b1.',
    })
  })

  it('ends with the wait', async () => {
    const acceptAndWait = async (): Promise<never> => {
      throw new AppError('wait_timeout', 'Not yet.')
    }
    const response = await send(lightApi({ collect: { acceptAndWait } }), '?format=ndjson&wait=visible')
    expect([response.statusCode, response.json<Problem>().retryable]).toEqual([504, true])
  })
})

describe('limits', () => {
  const apis: LightApi[] = []
  afterEach(async () => {
    for (const { app } of apis.splice(0)) {
      // Bodies that were refused half-way are still being sent.
      app.server.closeAllConnections()
      await app.close()
    }
  })

  async function listening(parts: LightParts = {}): Promise<{ api: LightApi; url: string; port: number }> {
    const api = lightApi(parts)
    apis.push(api)
    const address = await api.app.listen({ host: '127.0.0.1', port: 0 })
    return { api, url: `${address}${path}/import?format=ndjson`, port: (api.app.server.address() as AddressInfo).port }
  }

  const post = (url: string, body: NonNullable<RequestInit['body']>) =>
    fetch(url, { method: 'POST', headers: key, body, duplex: 'half' })

  it('of a body, whose length is announced or not, however far it is sent', async () => {
    const { api, url } = await listening({ limits: { bodyBytesMax: 1 << 20, inflightBytesMax: 1 << 30 } })
    const large = Buffer.alloc((1 << 20) + 1, 32)
    const announced = await post(url, large)
    expect([announced.status, ((await announced.json()) as Problem).code]).toEqual([413, 'body_too_large'])
    const chunked = Readable.toWeb(Readable.from([large.subarray(0, 1 << 19), large, large])) as ReadableStream
    expect((await post(url, chunked)).status).toBe(413)
    expect((await post(url, large.subarray(1))).status).toBe(202)
    expect(api.imports).toHaveLength(1)
  })

  it('of everything in memory, given back when it is on disk', async () => {
    let letGo!: () => void
    let entered!: () => void
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const first = new Promise<void>((resolve) => (entered = resolve))
    const accept = async () => {
      entered()
      await held
      return { uniqueId: 'x', bytes: 600 }
    }
    const { url } = await listening({ limits: { bodyBytesMax: 1000, inflightBytesMax: 1000 }, collect: { accept } })
    const holding = post(url, 'x'.repeat(600))
    await first
    const second = await post(url, 'x'.repeat(600))
    expect(second.status).toBe(429)
    expect(second.headers.get('retry-after')).toBe('1')
    expect(await second.json()).toMatchObject({ code: 'overloaded', retryable: true })
    letGo()
    expect((await holding).status).toBe(202)
    expect((await post(url, 'x'.repeat(600))).status).toBe(202)
  })

  it('of a body for which there is no room before it has arrived, and reads the next one on the same connection', async () => {
    const asked: unknown[] = []
    const awaitRoom: Collect['awaitRoom'] = async ({ accountId }, database, bytes) => {
      if (asked.push([accountId, database, bytes]) === 1)
        throw new AppError('overloaded', 'full', { retryAfterSeconds: 3 })
      return () => {}
    }
    const { api, port } = await listening({ collect: { awaitRoom } })
    const socket = connect(port, '127.0.0.1')
    const answers = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const answer = async (): Promise<string> => String((await answers.next()).value)
    socket.write(`${head()}content-length: 1000\r\n\r\n${'x'.repeat(400)}`)
    const refused = await answer()
    expect(refused).toMatch(/^HTTP\/1.1 429 .*retry-after: 3\r\n.*"code":"overloaded"/s)
    expect(refused).not.toMatch(/connection: close/i)
    socket.write('x'.repeat(600))
    socket.write(`${head()}content-length: 300\r\n\r\n`)
    await expect
      .poll(() => asked)
      .toEqual([
        [1, 'd', 1000],
        [1, 'd', 300],
      ])
    socket.write('y'.repeat(300))
    expect(await answer()).toMatch(/^HTTP\/1.1 202 /)
    socket.destroy()
    expect(api.imports.map(({ body }) => Buffer.from(body).toString())).toEqual(['y'.repeat(300)])
    const metrics = await api.app.inject('/metrics')
    expect(metrics.body).toMatch(/biwa_ingest\w*\{[^}]*overloaded[^}]*\} 1/)
  })

  it('of silence in the middle of a body', async () => {
    const { port } = await listening({ clock: hastyClock, limits: { bodySilenceMsMax: 60_000 } })
    const answer = await dialogue(port, `content-length: 1000\r\n\r\n{`)
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(answer).toContain('"code":"request_timeout"')
  })

  it('of what is HTTP', async () => {
    const { port } = await listening()
    expect(await exchange(port, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s)
    const headers = `x: ${'y'.repeat(20_000)}\r\n`
    expect(await dialogue(port, `${headers}\r\n`)).toMatch(/^HTTP\/1.1 431 /)
  })

  it('lets nothing of a body through whose sender hung up', async () => {
    const { api, port } = await listening()
    const socket = connect(port, '127.0.0.1')
    const arrived = new Promise((resolve) => api.app.server.once('request', resolve))
    socket.write(`${head()}content-length: 1000\r\n\r\n{`)
    await arrived
    socket.destroy()
    await api.app.close()
    expect([api.imports, api.bugs]).toEqual([[], []])
  })
})

const head = (): string => `POST ${path}/import?format=ndjson HTTP/1.1\r\nhost: x\r\nauthorization: Bearer 1/full\r\n`
const dialogue = (port: number, rest: string): Promise<string> => exchange(port, head() + rest)

/** What a server answers to bytes until it closes the connection. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (part) => (answer += part.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
  })
}

/** Whatever was to happen in a minute happens in a tenth of a second. */
const hastyClock: Clock = { ...systemClock, schedule: (ms, task) => systemClock.schedule(ms / 600, task) }
