import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openRealApi } from '../../api/testing/real-api.ts'
import type { RealApi } from '../../api/testing/real-api.ts'
import type { Tenant } from '../../api/testing/tenants.ts'
import { operations } from './operations.ts'

let api: RealApi
let owner: Tenant

/** Less than some bodies have. */
const inflightBytesMax = 10_000

beforeAll(async () => {
  api = await openRealApi({ inflightBytesMax })
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
  await api.store.createTable(owner.principal.accountId, 'web', 'logs')
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

describe('a member', () => {
  it.each([
    ['full', 'full_access'],
    ['query', 'query_only'],
    ['import', 'import_only'],
  ] as const)('with the permission %s has %s', async (privilege, permission) => {
    const { access } = api
    const user = { email: `${privilege}@example.com`, name: privilege, role: 'member' } as const
    const { id: userId } = await access.createUser(owner.principal, user)
    const { key } = await access.createKey(owner.principal, { userId, kind: 'full' })
    expect((await ask('/database/list', key)).json()).toEqual({ databases: [] })
    await access.setPermission(owner.principal, userId, 'web', privilege)
    expect((await ask('/database/list', key)).json()).toMatchObject({ databases: [{ name: 'web', permission }] })
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

describe('a body', () => {
  const upload = (bytes: number) =>
    ask('/table/import/web/logs/msgpack.gz', owner.keys.import, { method: 'PUT', payload: Buffer.alloc(bytes) })

  it('is to be sent again later where memory has no room for it', async () => {
    const refused = await upload(inflightBytesMax + 1)
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1'])
    expect(refused.json()).toMatchObject({ details: { code: 'overloaded' } })
    const form = { method: 'POST', payload: { query: 'x'.repeat(inflightBytesMax) } } as const
    expect((await ask('/database/create/other', owner.keys.full, form)).statusCode).toBe(429)
  })

  it('gives its room back when it is answered, whatever the answer is', async () => {
    for (let times = 0; times < 3; times += 1) {
      expect((await upload(inflightBytesMax)).statusCode).toBe(200)
      const form = { method: 'POST', payload: { any: 'x'.repeat(inflightBytesMax - 100) } } as const
      expect((await ask('/database/create/web', owner.keys.full, form)).statusCode).toBe(409)
    }
    expect(api.imports).toHaveLength(3)
  })

  it('is digested over all of its bytes', async () => {
    expect((await upload(10)).json()).toMatchObject({ md5_hex: 'a63c90cc3684ad8b0a2176a6a8fe9005' })
  })
})

it('meets no bug', () => expect(api.bugs).toEqual([]))
