import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

import { afterEach, describe, expect, it } from 'vitest'

import { AppError } from '../base/errors.ts'
import { lightApi } from './testing/light-api.ts'
import type { LightApi, LightParts } from './testing/light-api.ts'

const key = 'Bearer 1/full'
const path = '/api/v1/databases/d/tables/t/import'
const body = Buffer.alloc(90_000, 'x')

let api: LightApi | undefined
afterEach(() => api?.app.close())

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that listens, and how many requests it answered in the ordinary way. */
async function listening(parts: LightParts = {}) {
  const started = lightApi({ limits: { bodyBytesMax: 100_000, inflightBytesMax: 100_000 }, ...parts })
  api = started
  let ordinary = 0
  started.app.addHook('onRequest', (_request, _reply, done) => {
    ordinary += 1
    done()
  })
  const address = await started.app.listen({ host: '127.0.0.1', port: 0 })
  /** On a connection of its own; the last request on its connection goes the ordinary way. */
  async function send(isLast: boolean, headers: Record<string, string> = {}, query = ''): Promise<Answer> {
    const agent = new Agent({ keepAlive: !isLast })
    const own = { authorization: key, 'content-type': 'application/msgpack', 'x-request-id': 'one', ...headers }
    const request = httpRequest(`${address}${path}${query}`, {
      agent,
      method: 'POST',
      headers: { ...own, 'content-length': body.byteLength },
    })
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const answer = { status: response.statusCode, headers: { ...response.headers }, body: await text(response) }
    agent.destroy()
    for (const name of ['date', 'connection', 'keep-alive']) delete answer.headers[name]
    return answer
  }
  return { ...started, send, ordinary: () => ordinary }
}

const overloaded = new AppError('overloaded', 'Full.', { hint: 'Come again.', retryAfterSeconds: 2.5 })
const failing = (error: Error): LightParts => ({ collect: { accept: () => Promise.reject(error) } })

describe('a large import', () => {
  it.each<[string, number, LightParts, Record<string, string>, string]>([
    ['is accepted', 202, {}, {}, '?id=a-1&time_column=at'],
    ['has its id in a header', 202, {}, { 'idempotency-key': 'b', 'content-encoding': 'gzip' }, '?format=ndjson'],
    ['is from nobody', 401, {}, { authorization: 'Bearer 1/other' }, ''],
    ['is from nobody who says so', 401, {}, { authorization: '' }, ''],
    ['is of a format that is not known', 415, {}, {}, '?format=of_mine'],
    ['has an id that is too long', 400, {}, {}, `?id=${'a'.repeat(300)}`],
    ['is of no format', 415, {}, { 'content-type': 'application/octet-stream' }, ''],
    ['finds no room', 429, { collect: { awaitRoom: () => Promise.reject(overloaded) } }, {}, ''],
    ['is refused after all', 507, failing(new AppError('storage_full', 'Full.')), {}, ''],
    ['is larger than the memory for it', 429, { limits: { bodyBytesMax: 100_000, inflightBytesMax: 10 } }, {}, ''],
    ['meets a bug', 500, failing(new Error('secret of the house')), {}, ''],
  ])('is answered in the lane as in the ordinary way where it %s', async (_what, status, parts, headers, query) => {
    const { send, ordinary, imports, rejections, bugs, app } = await listening(parts)
    const byLane = await send(false, headers, query)
    expect(ordinary()).toBe(0)
    const byServer = await send(true, headers, query)
    expect(ordinary()).toBe(1)
    expect(byLane).toEqual(byServer)
    expect(byLane.status).toBe(status)
    expect(byLane.headers['x-request-id']).toBe('one')
    expect(imports[1]).toEqual(imports[0])
    expect(rejections[1]).toEqual(rejections[0])
    expect(rejections).toHaveLength(status >= 400 && status !== 500 ? 2 : 0)
    expect(bugs).toHaveLength(status === 500 ? 2 : 0)
    const route = 'route="/api/v1/databases/:database/tables/:table/import"'
    const metrics = (await app.inject('/metrics')).body
    expect(metrics).toContain(`biwa_http_requests_total{method="POST",${route},status="${status}"} 2`)
  })
})
