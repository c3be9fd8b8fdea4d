import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import { forgetRejections } from '../collect/rejections/open-rejections.ts'
import { apiPrefix } from './contract/operation.ts'
import { openRealApi } from './testing/real-api.ts'
import type { RealApi } from './testing/real-api.ts'
import type { Tenant } from './testing/tenants.ts'

let api: RealApi
let operators: Tenant
let owner: Tenant

beforeAll(async () => {
  api = await openRealApi()
  operators = await api.makeTenant('operators')
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
})
afterAll(() => api.close())

interface Listed {
  readonly items: readonly {
    readonly kind: string
    readonly door: string | null
    readonly reason: string
    readonly count: number
    readonly key_hint: string | null
    readonly key_id: number | null
    readonly table: string | null
  }[]
}

async function send(key: string, below: string, payload: string | Buffer = '{"a":1}'): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await api.app.inject({ method: 'POST', url: apiPrefix + below, headers, payload })
  return response.statusCode
}

async function rejections(key: string, query = ''): Promise<Listed['items']> {
  const headers = { authorization: `Bearer ${key}` }
  const response = await api.app.inject({ url: `${apiPrefix}/rejections${query}`, headers })
  expect(response.statusCode, response.body).toBe(200)
  return response.json<Listed>().items
}

const door = (name: string) => `/databases/web/tables/logs/${name}`
describe('what was rejected', () => {
  it('is told by key, door and code, to the account alone', async () => {
    const { full, query } = owner.keys
    expect(await send(query, door('import'))).toBe(403)
    expect(await send(query, door('import'))).toBe(403)
    expect(await send(full, door('events'), Buffer.alloc(1_100_000))).toBe(413)
    expect(await send(full, '/databases/web/tables/logs/import?format=tar')).toBe(415)
    expect(await send(`${owner.principal.accountId}/gone`, door('import'))).toBe(401)
    expect(await send('nobody', door('import'))).toBe(401)
    expect(await send(full, door('import'))).toBe(202)
    const told = async (): Promise<string[]> =>
      (await rejections(full))
        .map(({ door: at, reason, count, key_hint }) => `${at} ${reason} ${count} ${key_hint}`)
        .toSorted()
    await expect
      .poll(told)
      .toEqual([
        'events body_too_large 1 null',
        'import forbidden 2 null',
        'import unauthenticated 1 gone',
        'import unsupported_format 1 null',
      ])
    expect(await rejections((await api.makeTenant('stranger')).keys.full)).toEqual([])
    // What belongs to nobody is for whoever runs the server.
    await expect
      .poll(() => rejections(operators.keys.full))
      .toMatchObject([{ reason: 'unauthenticated', key_hint: 'body' }])
  })

  it('can be asked for by key and by door', async () => {
    const all = await rejections(owner.keys.full)
    const forbidden = all.find(({ reason }) => reason === 'forbidden')
    expect(await rejections(owner.keys.full, `?key=${forbidden?.key_id}`)).toEqual([forbidden])
    expect(await rejections(owner.keys.full, `?key=${encodeURIComponent('…gone')}`)).toHaveLength(1)
    expect(await rejections(owner.keys.full, '?door=events')).toHaveLength(1)
  })

  it('is told of the other protocols, too', async () => {
    const put = (key: string, table: string) =>
      api.app.inject({
        method: 'PUT',
        url: `/v3/table/import/web/${table}/msgpack.gz`,
        headers: { authorization: `TD1 ${key}` },
        payload: Buffer.alloc(3),
      })
    expect((await put(`${owner.principal.accountId}/ffff`, 'logs')).statusCode).toBe(401)
    expect((await put(owner.keys.full, 'missing')).statusCode).toBe(404)
    const told = async (): Promise<string[]> =>
      (await rejections(owner.keys.full, '?door=td'))
        .map((one) => `${one.reason} ${one.key_hint} ${one.table}`)
        .toSorted()
    await expect.poll(told).toEqual(['table_not_found null missing', 'unauthenticated ffff logs'])
    await api.postgres.query(sql`delete from rejections where door = 'td'`)
  })

  it('has the quarantined records of the time beside it', async () => {
    const record = { uniqueId: 'q', recordNumber: 0, byteOffset: 0, reason: 'json_syntax', detail: 'no value' }
    const raw = Buffer.from('{')
    const { accountId } = owner.principal
    await api.store.quarantine(accountId, 'web', 'logs', [{ ...record, raw, rawBytes: 1, objectKey: null }])
    const records = (await rejections(owner.keys.full)).filter(({ kind }) => kind === 'record')
    expect(records).toMatchObject([{ reason: 'json_syntax', count: 1, table: 'logs' }])
  })

  it('is kept from members who may not query the database', async () => {
    const { principal } = owner
    const user = await api.access.createUser(principal, { email: 'm@example.com', name: 'm', role: 'member' })
    const { key } = await api.access.createKey(principal, { kind: 'full', userId: user.id })
    expect(await rejections(key)).toEqual([])
    await api.access.setPermission(principal, user.id, 'web', 'query')
    expect((await rejections(key)).length).toBe(5)
  })

  it('is forgotten in time, and not before', async () => {
    const options = { postgres: api.postgres, clock: systemClock, log: openLog('silent') }
    expect(await forgetRejections({ ...options, keptHours: 1 })).toBe(0)
    await api.postgres.query(sql`update rejections set minute = minute - interval '2 hours'`)
    expect(await forgetRejections({ ...options, keptHours: 1 })).toBe(5)
  })

  it('stays a few rows, however many keys and names are tried', async () => {
    for (let key = 0; key < 1000; key += 1) {
      api.rejections.note({
        accountId: null,
        keyId: null,
        unknownKey: `${owner.principal.accountId}/${key}`,
        door: 'import',
        code: 'unauthenticated',
        detail: 'no',
        database: `d${key}`,
        table: null,
      })
    }
    const counted = async () =>
      (
        await api.postgres.query<{ rows: number; requests: number }>(sql`
          select count(*)::int as rows, sum(requests)::bigint as requests from rejections`)
      )[0]
    await expect.poll(async () => (await counted())?.requests).toBe(1000)
    expect((await counted())?.rows).toBeLessThanOrEqual(2 * 201)
  })
})
