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
})
afterAll(() => api.close())

async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', below: string, payload?: object) {
  const response = await api.app.inject({
    method,
    url: `${apiPrefix}/databases/web/tables/${below}`,
    headers: { authorization: `Bearer ${owner.keys.full}` },
    ...(payload !== undefined && { payload }),
  })
  return {
    status: response.statusCode,
    body: response.body === '' ? undefined : response.json<Record<string, unknown>>(),
  }
}

async function query(sql: string): Promise<void> {
  const response = await api.app.inject({
    method: 'POST',
    url: `${apiPrefix}/queries`,
    headers: { authorization: `Bearer ${owner.keys.full}` },
    payload: { sql, database: 'web', wait_seconds: 60 },
  })
  expect(response.json()).toMatchObject({ state: 'success' })
}

it('names: rename and swap, once with a key', async () => {
  await query('create table a as select 1 as n, 100 as time')
  await query('create table b as select 2 as n')
  expect(await call('POST', 'a/rename', { name: 'c', idempotency_key: 'k' })).toMatchObject({
    status: 200,
    body: { name: 'c', database: 'web', rows: 1 },
  })
  expect((await call('POST', 'a/rename', { name: 'c', idempotency_key: 'k' })).status).toBe(200)
  expect((await call('POST', 'a/rename', { name: 'c' })).body).toMatchObject({ code: 'table_not_found' })
  expect((await call('POST', 'b/rename', { name: 'c' })).body).toMatchObject({ code: 'already_exists' })
  const before = (await call('GET', 'b')).body
  for (const _ of [1, 2]) {
    expect((await call('POST', 'b/swap', { with: 'c', idempotency_key: 's' })).status).toBe(204)
  }
  expect((await call('GET', 'c')).body).toMatchObject({ id: before?.['id'] })
})

it('properties, and the history with its end', async () => {
  await query('create table kept as select 1 as n, 100 as time union all select 2, 200')
  const properties = { expire_days: 7, history_hours: 3, cluster_by: ['N'], schema_mode: 'freeze' }
  expect((await call('PATCH', 'kept', properties)).body).toMatchObject({ ...properties, cluster_by: ['n'] })
  expect((await call('PATCH', 'kept', { expire_days: null })).body).toMatchObject({
    expire_days: null,
    history_hours: 3,
  })
  expect((await call('PATCH', 'kept', { cluster_by: ['x'] })).body).toMatchObject({ code: 'invalid_request' })
  const deleted = await call('POST', 'kept/delete_rows', { from: 150, to: 250, wait_seconds: 60, idempotency_key: 'd' })
  expect(deleted).toMatchObject({
    status: 200,
    body: { state: 'success', query: { result: { statement: 'delete', rows: 1 } } },
  })
  const again = await call('POST', 'kept/delete_rows', { from: 150, to: 250, idempotency_key: 'd' })
  expect(again.body).toMatchObject({ id: deleted.body?.['id'] })
  const listed = await call('GET', 'kept/snapshots?limit=1')
  expect(listed.body).toMatchObject({
    items: [{ snapshot: 4, operation: 'delete', removed: { rows: 2, chunks: 1 }, kept: true }],
  })
  const next = await call('GET', `kept/snapshots?cursor=${String(listed.body?.['next_cursor'])}`)
  expect(next.body?.['items']).toHaveLength(3)
  expect((await call('GET', 'kept/diff?from=1')).body).toMatchObject({
    from: 1,
    to: 4,
    added: { rows: 1, chunks: 1 },
    removed: { rows: 2, chunks: 1 },
  })
  expect((await call('GET', 'kept/diff?from=1&to=2099-01-01T00:00:00Z')).body).toMatchObject({ to: 4 })
  expect((await call('GET', 'kept/diff?from=99')).body).toMatchObject({ status: 404, code: 'snapshot_not_found' })
  expect((await call('GET', 'kept/diff?from=yesterday')).body).toMatchObject({ code: 'invalid_request' })
  expect(await call('POST', 'kept/purge_history')).toEqual({ status: 200, body: { chunks: 1 } })
  expect((await call('GET', 'kept/diff?from=1')).body).toMatchObject({ status: 410, code: 'snapshot_expired' })
})

it('truncate, drop and bring back', async () => {
  await query('create table gone as select 1 as n')
  expect((await call('POST', 'gone/truncate', { wait_seconds: 60 })).body).toMatchObject({
    state: 'success',
    query: { result: { statement: 'truncate', rows: 1 } },
  })
  expect((await call('POST', 'nothing/truncate', {})).body).toMatchObject({ code: 'table_not_found' })
  expect((await call('DELETE', 'gone')).status).toBe(204)
  expect((await call('POST', 'gone/undrop')).body).toMatchObject({ name: 'gone', rows: 0 })
  expect((await call('POST', 'gone/undrop')).body).toMatchObject({ code: 'table_not_found' })
})

it('met no bug', () => {
  expect(api.bugs).toEqual([])
})
