import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { RealApi } from './testing/real-api.ts'
import type { Tenant } from './testing/tenants.ts'
import { openRealApi } from './testing/real-api.ts'

let api: RealApi
let operator: Tenant
let tenant: Tenant

beforeAll(async () => {
  api = await openRealApi()
  operator = await api.makeTenant('operators')
  tenant = await api.makeTenant('tenant')
})
afterAll(() => api.close())

type Method = 'GET' | 'POST' | 'PUT'

function ask(who: Tenant, method: Method, path: string, body?: object) {
  return api.app.inject({
    method,
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${who.keys.full}` },
    ...(body !== undefined && { payload: body }),
  })
}

/** A job that used up its attempts, of a kind that nobody takes. */
async function deadJob(who: Tenant, kind: string, fingerprint: string): Promise<number> {
  const { accountId } = who.principal
  const [row] = await api.postgres.query<{ id: number }>(sql`
    with lane as (
      insert into job_lanes (kind, account_id, limit_keys, weights)
      values (${kind}, ${accountId}, ${['account:' + accountId]}, ${[1]}) on conflict do nothing returning id
    ), job as (
      insert into jobs (lane_id, account_id, kind, input, run_at, attempts_max, submitted_by)
      select coalesce((select id from lane), (select min(id) from job_lanes where kind = ${kind} and account_id = ${accountId})),
             ${accountId}, ${kind}, '{}', now(), 1, 'test' returning id
    )
    insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason, error, fingerprint)
    select id, ${accountId}, 'running', 'dead', 1, 'test', 'failed', '{"code":"worker_lost","message":"gone"}', ${fingerprint}
      from job returning job_id as id`)
  return must(row, 'a row').id
}

describe('limits', () => {
  it('are made, listed, paused, resumed and removed by the administrators of an account', async () => {
    const key = `resource:${tenant.principal.accountId}/a/b ü`
    expect((await ask(tenant, 'PUT', '/limits', { key, slots: 2 })).json()).toEqual({
      key,
      slots: 2,
      used: 0,
      paused_until: null,
    })
    const until = new Date(Date.now() + 3_600_000).toISOString()
    expect((await ask(tenant, 'POST', '/limits/pause', { key, until })).json()).toMatchObject({ paused_until: until })
    expect((await ask(tenant, 'POST', '/limits/pause', { key, until: null })).json()).toMatchObject({
      paused_until: null,
    })
    expect((await ask(tenant, 'GET', '/limits')).json()).toMatchObject({ items: [{ key }] })
    expect((await ask(tenant, 'POST', '/limits/remove', { key })).statusCode).toBe(200)
    expect((await ask(tenant, 'POST', '/limits/remove', { key })).json()).toMatchObject({
      code: 'limit_not_found',
      status: 404,
    })
  })

  it('that the operators set on an account are not the account’s to change', async () => {
    const key = `account:${tenant.principal.accountId}`
    expect((await ask(operator, 'PUT', '/limits', { key, slots: 2 })).statusCode).toBe(200)
    expect((await ask(operator, 'PUT', '/limits', { key: 'kind:query', slots: 2 })).statusCode).toBe(200)
    const attempts = [
      await ask(tenant, 'PUT', '/limits', { key, slots: 1000 }),
      await ask(tenant, 'PUT', '/limits', { key: `${key}/kind:query`, slots: 1000 }),
      await ask(tenant, 'POST', '/limits/pause', { key, until: null }),
      await ask(tenant, 'POST', '/limits/remove', { key }),
      await ask(tenant, 'PUT', '/limits', { key: 'kind:query', slots: 1000 }),
    ]
    expect(attempts.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403, 403, 403])
    expect((await ask(operator, 'GET', '/limits')).json()).toMatchObject({
      items: [{ key, slots: 2 }, { key: 'kind:query' }],
    })
  })
})

describe('dead letters', () => {
  it('are redriven by a filter, after a dry run that changes nothing', async () => {
    const [first, second] = [await deadJob(tenant, 'ghost', 'f1'), await deadJob(tenant, 'ghost', 'f1')]
    const other = await deadJob(tenant, 'spirit', 'f2')
    expect((await ask(tenant, 'GET', '/dead-letters')).json()).toMatchObject({
      items: [{ fingerprint: 'f1', count: 2 }, { fingerprint: 'f2' }],
    })
    const page = (await ask(tenant, 'GET', '/dead-letters/jobs?limit=2')).json<{
      items: { id: number }[]
      next_cursor: string
    }>()
    expect(page.items.map(({ id }) => id)).toEqual([other, second])
    expect((await ask(tenant, 'GET', `/dead-letters/jobs?limit=2&cursor=${page.next_cursor}`)).json()).toMatchObject({
      items: [{ id: first }],
      next_cursor: null,
    })
    const dry = { fingerprint: 'f1', dry_run: true }
    expect((await ask(tenant, 'POST', '/dead-letters/redrive', dry)).json()).toEqual({
      ids: [first, second],
      more: false,
    })
    expect((await ask(tenant, 'POST', '/dead-letters/redrive', { fingerprint: 'f1' })).json()).toEqual({
      ids: [first, second],
      more: false,
    })
    expect((await ask(tenant, 'GET', '/dead-letters')).json()).toMatchObject({ items: [{ fingerprint: 'f2' }] })
    expect((await ask(tenant, 'GET', `/jobs/${first}/waiting`)).json()).toMatchObject({
      position: 1,
      reasons: [{ reason: 'no_worker' }],
    })
  })

  it('are not redriven by a mistake', async () => {
    await deadJob(tenant, 'mistake', 'f3')
    for (const body of [{ fingerprnt: 'f9' }, { fingerprint: 'f3', dryRun: true }, { dry_run: true }, {}]) {
      const answer = await ask(tenant, 'POST', '/dead-letters/redrive', body)
      expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_request' })
    }
    expect((await ask(tenant, 'GET', '/dead-letters')).body).toContain('"f3"')
  })

  it('are looked for with no text that PostgreSQL cannot hold', async () => {
    const answers = [
      await ask(tenant, 'POST', '/dead-letters/redrive', { kind: 'a\u0000b', dry_run: true }),
      await ask(tenant, 'GET', '/dead-letters/jobs?kind=a%00b'),
      await ask(tenant, 'GET', '/jobs?kind=a%00b'),
      await ask(operator, 'PUT', '/limits', { key: 'kind:a\u0000', slots: 1 }),
      await ask(tenant, 'PUT', '/limits', { key: `resource:${tenant.principal.accountId}/\ud800`, slots: 1 }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 400, 400])
  })
})
