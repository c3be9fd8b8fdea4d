import { afterAll, beforeAll, expect, it } from 'vitest'

import { apiPrefix } from './contract/operation.ts'
import type { RealApi } from './testing/real-api.ts'
import type { Tenant } from './testing/tenants.ts'
import { openRealApi } from './testing/real-api.ts'

let api: RealApi
let owner: Tenant

beforeAll(async () => {
  api = await openRealApi()
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
  await api.store.createTable(owner.principal.accountId, 'web', 'logs')
})
afterAll(() => api.close())

async function call(method: 'POST' | 'PATCH' | 'DELETE', below: string, payload?: object) {
  const response = await api.app.inject({
    method,
    url: `${apiPrefix}/databases/web/tables/logs/columns${below}`,
    headers: { authorization: `Bearer ${owner.keys.full}` },
    ...(payload !== undefined && { payload }),
  })
  const body =
    response.body === '' ? {} : response.json<{ code?: string; columns?: { name: string; type: string }[] }>()
  return [response.statusCode, body.code ?? body.columns?.map(({ name, type }) => `${name} ${type}`)]
}

it('adds, changes and drops columns', async () => {
  const fixed = ['time_us bigint', '_rescued map(varchar,varchar)']
  expect(await call('POST', '', { name: 'a/b', type: 'bigint' })).toEqual([
    201,
    ['time bigint', 'a/b bigint', ...fixed],
  ])
  expect(await call('POST', '', { name: 'A/B', type: 'json', if_not_exists: true })).toEqual([
    201,
    ['time bigint', 'a/b bigint', ...fixed],
  ])
  expect(await call('PATCH', '/a%2Fb', { type: 'row(c decimal(10,2))' })).toEqual([
    200,
    ['time bigint', 'a/b row(c decimal(10,2))', ...fixed],
  ])
  expect(await call('PATCH', '/a%2Fb', { name: 'code' })).toEqual([
    200,
    ['time bigint', 'code row(c decimal(10,2))', ...fixed],
  ])
  expect(await call('DELETE', '/code')).toEqual([204, undefined])
})

it('says what cannot be', async () => {
  expect(await call('DELETE', '/nothing')).toEqual([404, 'column_not_found'])
  expect(await call('PATCH', '/nothing', { name: 'b' })).toEqual([404, 'column_not_found'])
  expect(await call('PATCH', '/time', { name: 'b' })).toEqual([400, 'invalid_request'])
  expect(await call('POST', '', { name: 'time', type: 'bigint' })).toEqual([400, 'invalid_name'])
  expect(await call('POST', '', { name: 'c', type: 'nothing' })).toEqual([400, 'invalid_request'])
  expect(await call('PATCH', '/c', { name: 'b', type: 'bigint' })).toEqual([400, 'invalid_request'])
  await call('POST', '', { name: 'c', type: 'bigint' })
  expect(await call('POST', '', { name: 'C', type: 'bigint' })).toEqual([409, 'already_exists'])
})
