import { createHash } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openRealApi } from '../../api/testing/real-api.ts'
import type { RealApi } from '../../api/testing/real-api.ts'
import { sendBy } from '../../api/testing/send-by.ts'
import type { Tenant } from '../../api/testing/tenants.ts'

let api: RealApi
let owner: Tenant
let address: string
let ordinary = 0

beforeAll(async () => {
  api = await openRealApi()
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
  await api.store.createTable(owner.principal.accountId, 'web', 'logs')
  api.app.server.on('request', () => (ordinary += 1))
  address = await api.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => api.close())

const body = Buffer.alloc(90_000, 'x')

describe('a large import', () => {
  it.each<[string, number, string, Record<string, string>]>([
    ['is accepted', 200, '/import/web/logs/msgpack.gz', {}],
    ['has an id', 200, '/import_with_id/web/logs/7a-0/msgpack.gz', {}],
    ['is from nobody', 401, '/import/web/logs/msgpack.gz', { authorization: 'TD1 1/none' }],
    ['is for a table that is not there', 404, '/import/web/none/msgpack.gz', {}],
    ['is of a format that is not known', 415, '/import/web/logs/xml', {}],
  ])('is answered in the lane as in the ordinary way where it %s', async (_what, status, path, headers) => {
    const usual = { authorization: `TD1 ${owner.keys.full}`, 'x-request-id': 'one' }
    const sent = { url: `${address}/v3/table${path}`, method: 'PUT', headers: { ...usual, ...headers }, body }
    const before = ordinary
    const byLane = await sendBy('lane', sent)
    expect(ordinary).toBe(before)
    const byServer = await sendBy('server', sent)
    expect(ordinary).toBe(before + 1)
    const varies = (answer: string): string => answer.replace(/"(elapsed_time|unique_id)":("[^"]+"|[\d.]+)/g, '"$1":0')
    expect({ ...byLane, body: varies(byLane.body) }).toMatchObject({
      status: byServer.status,
      headers: { ...byServer.headers, 'content-length': expect.any(String) },
      body: varies(byServer.body),
    })
    expect(Object.keys(byLane.headers).toSorted()).toEqual(Object.keys(byServer.headers).toSorted())
    expect(byLane.status).toBe(status)
    const md5 = createHash('md5').update(body).digest('hex')
    if (status === 200) expect(JSON.parse(byLane.body)).toMatchObject({ database: 'web', table: 'logs', md5_hex: md5 })
  })
})
