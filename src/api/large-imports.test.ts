import { afterEach, describe, expect, it } from 'vitest'

import { AppError } from '../base/errors.ts'
import { lightApi } from './testing/light-api.ts'
import type { LightApi, LightParts } from './testing/light-api.ts'
import { sendBy } from './testing/send-by.ts'

const path = '/api/v1/databases/d/tables/t/import'
const body = Buffer.alloc(90_000, 'x')
const usual = { authorization: 'Bearer 1/full', 'content-type': 'application/msgpack', 'x-request-id': 'one' }

let api: LightApi | undefined
afterEach(() => api?.app.close())

/** A server that listens, and how many requests it answered in the ordinary way. */
async function listening(parts: LightParts) {
  const started = lightApi({ limits: { bodyBytesMax: 100_000, inflightBytesMax: 100_000 }, ...parts })
  api = started
  let ordinary = 0
  started.app.addHook('onRequest', (_request, _reply, done) => {
    ordinary += 1
    done()
  })
  return { ...started, address: await started.app.listen({ host: '127.0.0.1', port: 0 }), ordinary: () => ordinary }
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
    const { address, ordinary, imports, rejections, bugs, app } = await listening(parts)
    const sent = { url: `${address}${path}${query}`, method: 'POST', headers: { ...usual, ...headers }, body }
    const byLane = await sendBy('lane', sent)
    expect(ordinary()).toBe(0)
    expect(byLane).toEqual(await sendBy('server', sent))
    expect(ordinary()).toBe(1)
    expect([byLane.status, byLane.headers['x-request-id']]).toEqual([status, 'one'])
    expect(imports[1]).toEqual(imports[0])
    expect(rejections[1]).toEqual(rejections[0])
    expect(rejections).toHaveLength(status >= 400 && status !== 500 ? 2 : 0)
    expect(bugs).toHaveLength(status === 500 ? 2 : 0)
    const route = 'route="/api/v1/databases/:database/tables/:table/import"'
    const metrics = (await app.inject('/metrics')).body
    expect(metrics).toContain(`biwa_http_requests_total{method="POST",${route},status="${status}"} 2`)
  })
})
