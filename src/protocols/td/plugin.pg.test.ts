import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openRealApi } from '../../api/testing/real-api.ts'
import type { RealApi } from '../../api/testing/real-api.ts'
import type { Tenant } from '../../api/testing/tenants.ts'
import { operations } from './operations.ts'

let api: RealApi
let owner: Tenant

beforeAll(async () => {
  api = await openRealApi()
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
})
afterAll(() => api.close())

const ask = (path: string, key?: string, options: InjectOptions = {}) =>
  api.app.inject({
    url: `/v3${path}`,
    ...options,
    headers: { ...(key !== undefined && { authorization: key }), ...options.headers },
  })

describe('who asks', () => {
  const closed = operations.filter(({ kind }) => kind !== 'open')
  const cases = closed.map((operation) => [`${operation.method} ${operation.path}`, operation] as const)

  it.each(cases)('is to be known to %s', async (_name, { method, path }) => {
    const filled = path.replaceAll(/\{\w+\}/g, 'web')
    for (const key of [undefined, 'TD1 1/none', 'Bearer x']) {
      const answer = await ask(filled, key, { method })
      expect(answer.statusCode).toBe(401)
      expect(answer.json()).toMatchObject({ severity: 'error', details: { code: 'unauthenticated' } })
    }
  })

  it('sends the key behind TD1 or alone', async () => {
    for (const key of [`TD1 ${owner.keys.full}`, owner.keys.full, `td1 ${owner.keys.full}`]) {
      const answer = await ask('/database/list', key)
      expect([answer.statusCode, answer.headers['x-request-id']]).toEqual([200, expect.any(String)])
    }
    expect((await ask(`/database/list?apikey=${owner.keys.full}`)).statusCode).toBe(401)
  })

  it('does not matter to the status of the server', async () => {
    expect((await ask('/system/server_status')).json()).toEqual({ status: 'ok' })
  })
})

describe('what is not there', () => {
  it('is answered in the same shape', async () => {
    const answer = await ask('/database/nothing/here', owner.keys.full)
    expect(answer.statusCode).toBe(404)
    const { message } = answer.json<{ message: string }>()
    const failure = { error: message, text: message, severity: 'error', message, details: { code: 'route_not_found' } }
    expect(answer.json()).toEqual(failure)
    expect(message).toContain('/v3/database/nothing/here')
  })

  it('is a method where the path has others', async () => {
    const answer = await ask('/database/list', owner.keys.full, { method: 'POST' })
    expect([answer.statusCode, answer.json<{ message: string }>().message]).toEqual([
      405,
      '/v3/database/list does not take POST. It takes GET.',
    ])
  })
})

it('meets no bug', () => expect(api.bugs).toEqual([]))
