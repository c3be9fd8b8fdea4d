import { afterEach, describe, expect, it } from 'vitest'

import { AppError } from '../base/errors.ts'
import type { Collect } from '../collect/collect.ts'
import { problem } from './contract/problem.ts'
import { lightApi } from './testing/light-api.ts'
import type { LightApi, LightParts } from './testing/light-api.ts'

const key = 'Bearer 1/full'
const path = '/api/v1/databases/d/tables/t/events'
const event = '{"a":1}'

let api: LightApi | undefined
afterEach(() => api?.app.close())

/** A server that listens, and the number of requests that it answered in the ordinary way. */
async function listening(parts: LightParts = {}) {
  const started = lightApi(parts)
  api = started
  let ordinary = 0
  started.app.addHook('onRequest', (_request, _reply, done) => {
    ordinary += 1
    done()
  })
  const address = await started.app.listen({ host: '127.0.0.1', port: 0 })
  const send = (headers: Record<string, string> = {}, query = '', body = event) =>
    fetch(`${address}${path}${query}`, {
      method: 'POST',
      headers: { authorization: key, 'content-type': 'application/json', ...headers },
      body,
    })
  return { ...started, send, address, ordinary: () => ordinary }
}

function shape(response: Response) {
  const { status, headers } = response
  return { status, type: headers.get('content-type'), length: headers.get('content-length') }
}

describe('an event', () => {
  it('is answered as before when the lane takes it', async () => {
    const { send, imports, ordinary, app } = await listening()
    const first = await send({ 'x-request-id': 'one' }, '?time_column=at')
    const second = await send({ 'x-request-id': 'two' }, '?time_column=at')
    expect(ordinary()).toBe(1)
    expect(shape(second)).toEqual(shape(first))
    expect([await first.json(), await second.json()]).toEqual(Array(2).fill({ id: 'given', bytes: 7 }))
    expect([first, second].map(({ headers }) => headers.get('x-request-id'))).toEqual(['one', 'two'])
    expect(imports[1]).toEqual(imports[0])
    const metrics = (await app.inject('/metrics')).body
    const route = 'route="/api/v1/databases/:database/tables/:table/events"'
    expect(metrics).toContain(`biwa_http_requests_total{method="POST",${route},status="202"} 2`)
    expect(metrics).toContain(`biwa_http_request_duration_seconds_count{method="POST",${route}} 2`)
    expect(metrics).toContain('biwa_ingest_requests_total{door="events",outcome="accepted"} 2')
    expect(metrics).toContain('biwa_ingest_bytes_total{door="events"} 14')
  })

  it.each<[string, Record<string, string>, string]>([
    ['has an id', { 'idempotency-key': 'k' }, ''],
    ['is compressed', { 'content-encoding': 'gzip' }, ''],
    ['is of another media type', { 'content-type': 'application/x-ndjson' }, ''],
    ['has a column of the time', {}, '?time_column=at'],
  ])('takes the ordinary way where it %s', async (_what, headers, query) => {
    const { send, imports, ordinary } = await listening()
    await send()
    expect((await send(headers, query)).status).toBe(202)
    expect([ordinary(), imports.length]).toEqual([2, 2])
  })

  it('is refused in the ordinary way: without a key, and beyond the limits', async () => {
    const { send, imports, rejections, ordinary } = await listening({ limits: { bodyBytesMax: 10 } })
    await send()
    const unknown = await send({ authorization: 'Bearer 1/other' })
    expect([unknown.status, problem.parse(await unknown.json()).code]).toEqual([401, 'unauthenticated'])
    const large = await send({}, '', JSON.stringify({ a: 'much too long' }))
    expect([large.status, problem.parse(await large.json()).code]).toEqual([413, 'body_too_large'])
    expect(rejections.map(({ code }) => code)).toEqual(['unauthenticated', 'body_too_large'])
    expect([ordinary(), imports.length]).toEqual([3, 1])
  })

  it('that meets a bug is answered and tells of it, although another try would do', async () => {
    let tries = 0
    const accept: Collect['accept'] = async ({ body }) => {
      tries += 1
      if (tries === 2) throw new TypeError('a bug')
      return { uniqueId: 'given', bytes: body.byteLength }
    }
    const { send, bugs } = await listening({ collect: { accept } })
    await send()
    const broken = await send()
    expect([broken.status, problem.parse(await broken.json()).code]).toEqual([500, 'internal'])
    expect([tries, bugs.length]).toEqual([2, 1])
  })

  it('that may have been kept is not offered to the intake again, and is refused in the ordinary way', async () => {
    let offered = 0
    const accept: Collect['accept'] = async ({ body }) => {
      offered += 1
      if (offered === 2)
        throw new AppError('overloaded', 'The server receives more than it can write.', { retryAfterSeconds: 1 })
      return { uniqueId: 'given', bytes: body.byteLength }
    }
    const { send, rejections, app } = await listening({ collect: { accept }, limits: { inflightBytesMax: 1000 } })
    await send()
    const refused = await send()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect(problem.parse(await refused.json()).code).toBe('overloaded')
    expect(offered).toBe(2)
    expect(rejections.map(({ code }) => code)).toEqual(['overloaded'])
    const metrics = (await app.inject('/metrics')).body
    expect(metrics).toContain('biwa_ingest_requests_total{door="events",outcome="overloaded"} 1')
    // What the bodies held in memory is free again: one that needs all of it fits.
    expect((await send({}, '', JSON.stringify('x'.repeat(990)))).status).toBe(202)
  })
})
