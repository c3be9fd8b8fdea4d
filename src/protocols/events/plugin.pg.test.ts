import { gzipSync } from 'node:zlib'

import Fastify from 'fastify'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { openRealApi } from '../../api/testing/real-api.ts'
import type { RealApi } from '../../api/testing/real-api.ts'
import type { Tenant } from '../../api/testing/tenants.ts'
import { systemClock } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import { BodyBudget } from '../../base/http/read-body.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { ImportRequest } from '../../collect/collect.ts'
import { operations } from './operations.ts'
import { eventCollector } from './plugin.ts'

const budgetBytes = 6 << 20

let api: RealApi
let owner: Tenant
let app: FastifyInstance
let kept: ImportRequest[]
/** What the intake refuses, as a server does that has no room. */
let refuse: (request: ImportRequest) => AppError | undefined
const budget = new BodyBudget(budgetBytes)
const bugs: unknown[] = []

beforeAll(async () => {
  api = await openRealApi()
  owner = await api.makeTenant('owner')
  app = Fastify()
  await app.register(
    eventCollector({
      access: api.access,
      rejections: api.rejections,
      metrics: { ingest: { note() {} } },
      collect: {
        async accept(request) {
          const error = refuse(request)
          if (error !== undefined) throw error
          kept.push(request)
          return { uniqueId: request.uniqueId ?? 'given', bytes: request.body.byteLength }
        },
      },
      clock: systemClock,
      randomness: systemRandomness,
      redirectHosts: [],
      budget,
      bodySilenceMsMax: 1000,
      onBug: (error) => bugs.push(error),
    }),
  )
})
beforeEach(() => {
  kept = []
  refuse = () => undefined
})
afterAll(async () => {
  await app.close()
  await api.close()
})

function send(payload: string | Buffer, { headers, ...more }: InjectOptions = {}) {
  const mediaType = 'application/vnd.treasuredata.v1+json'
  const own = { authorization: `TD1 ${owner.keys.import}`, 'content-type': mediaType }
  return app.inject({ method: 'POST', url: '/web/events', payload, ...more, headers: { ...own, ...headers } })
}

const events = (...list: readonly unknown[]): string => JSON.stringify({ events: list })
const codeOf = (answer: { json: () => { details: { code: string } } }): string => answer.json().details.code

describe('who sends', () => {
  const cases = operations
    .filter(({ kind }) => kind === 'events')
    .flatMap(({ methods, path }) => methods.map((method) => [method, path] as const))

  it.each(cases)('is to be known to %s %s', async (method, path) => {
    const url = path.replaceAll(/\{\w+\}/g, 'web')
    for (const key of [undefined, '1/none']) {
      const headers = key === undefined ? { authorization: '' } : { authorization: `TD1 ${key}`, 'x-td-write-key': key }
      const answer = await send('{}', { method, url, headers })
      expect([answer.statusCode, codeOf(answer)]).toEqual([403, 'unauthenticated'])
    }
    expect(kept).toEqual([])
  })
})

describe('events', () => {
  it('without an id share a body, and those with one have their own', async () => {
    const answer = await send(events({ n: 1 }, { n: 2, '#UUID': 'a' }, { n: 3 }, { n: 4, uuid: 'b' }))
    expect(answer.json()).toEqual({ receipts: Array.from({ length: 4 }, () => ({ success: true })) })
    expect(kept.map(({ uniqueId, body }) => [uniqueId, Buffer.from(body).toString()])).toEqual([
      [null, '[{"n":1},{"n":3}]'],
      ['event:a', '[{"n":2}]'],
      ['event:b', '[{"n":4,"uuid":"b"}]'],
    ])
    expect(kept[0]).toMatchObject({ database: 'web', table: 'events', format: 'json', encoding: 'identity' })
  })

  it('of a page have no id', async () => {
    await send(events({ uuid: 'visitor' }), { headers: { origin: 'https://a.b' } })
    await send(events({ uuid: 'visitor' }), { url: '/web/events?modified=1' })
    expect(kept.map(({ uniqueId }) => uniqueId)).toEqual([null, null])
  })

  it('that the server cannot take now are told apart from those that it could', async () => {
    refuse = ({ uniqueId }) => (uniqueId === 'event:b' ? new AppError('overloaded', 'There is no room.') : undefined)
    const some = await send(events({ uuid: 'a' }, { uuid: 'b' }))
    expect(some.json()).toEqual({
      receipts: [
        { success: true },
        { success: false, error: { name: 'InternalServerError', description: 'There is no room.' } },
      ],
    })
    const none = await send(events({ uuid: 'b' }))
    expect([none.statusCode, codeOf(none), none.headers['retry-after']]).toEqual([429, 'overloaded', '2'])
  })

  it('behind the first 500 are to come again', async () => {
    const answer = await send(events(...Array.from({ length: 502 }, (_, n) => ({ n }))))
    const { receipts } = answer.json<{ receipts: { success: boolean; error?: { name: string } }[] }>()
    expect(receipts.filter(({ success }) => success)).toHaveLength(500)
    expect(receipts.slice(500).map(({ error }) => error?.name)).toEqual(['InternalServerError', 'InternalServerError'])
  })

  it('of many batches for one table are told apart, and too many of them are refused at once', async () => {
    const many = (count: number) => `{${Array.from({ length: count }, (_, n) => `"a.b":[${n}]`).join(',')}}`
    const options = { url: '/ios/v3/event', headers: { 'x-td-write-key': owner.keys.import } }
    const answer = await send(many(10_000), options)
    expect(answer.json<Record<string, unknown[]>>()['a.b']).toHaveLength(10_000)
    const refused = await send(many(10_001), options)
    expect([refused.statusCode, codeOf(refused)]).toEqual([413, 'body_too_large'])
  })

  it('that are larger than a mebibyte are thrown away', async () => {
    const answer = await send(events({ a: 'a'.repeat(1 << 20) }, { n: 1 }))
    expect(answer.json()).toMatchObject({
      receipts: [{ success: false, error: { name: 'InvalidPropertyValueError' } }, { success: true }],
    })
  })
})

describe('names that mean something in JavaScript', () => {
  it.each(['constructor', '__proto__', 'toString.valueOf'])('are names like others: %s', async (name) => {
    const headers = { 'x-td-write-key': owner.keys.import }
    const answer = await send(`{"${name}":[{"${name}":"${name}","a":1}]}`, { url: '/ios/v3/event', headers })
    expect(answer.statusCode).toBe(200)
    expect(answer.payload).toBe(`{"${name}":[{"success":true}]}`)
    const query = new URLSearchParams({ td_write_key: owner.keys.import, [name]: name })
    const got = await send('', { method: 'GET', url: `/postback/v3/event/web/gets?${query.toString()}` })
    expect(got.statusCode).toBe(200)
  })
})

describe('a body', () => {
  it('is at most 5 MiB, as it is sent and when it is inflated', async () => {
    const large = Buffer.alloc((5 << 20) + 1, ' ')
    const sent = await send(large)
    expect([sent.statusCode, codeOf(sent)]).toEqual([413, 'body_too_large'])
    const bomb = await send(gzipSync(Buffer.alloc(200 << 20)), { headers: { 'content-encoding': 'gzip' } })
    expect([bomb.statusCode, codeOf(bomb)]).toEqual([413, 'inflated_too_large'])
  })

  it('is nested at most 64 levels deep', async () => {
    const nested = (levels: number) => `{"events":[{"a":${'['.repeat(levels)}${']'.repeat(levels)}}]}`
    expect((await send(nested(61))).statusCode).toBe(200)
    for (const levels of [62, 1_000_000]) {
      const answer = await send(nested(levels))
      expect([answer.statusCode, codeOf(answer)]).toEqual([400, 'body_malformed'])
    }
  })

  it('counts against what the process may hold, inflated as it is, until it is answered', async () => {
    const body = gzipSync(events({ a: 'a'.repeat(900_000) }))
    const headers = { 'content-encoding': 'gzip' }
    expect(budget.reserve(budgetBytes - 100_000)).toBe(true)
    const refused = await send(body, { headers })
    expect([refused.statusCode, codeOf(refused), refused.headers['retry-after']]).toEqual([429, 'overloaded', '1'])
    budget.release(budgetBytes - 100_000)
    expect((await send(body, { headers })).statusCode).toBe(200)
    expect(budget.reserve(budgetBytes)).toBe(true)
    budget.release(budgetBytes)
  })
})

it('meets no bug', () => expect([...bugs, ...api.bugs]).toEqual([]))
