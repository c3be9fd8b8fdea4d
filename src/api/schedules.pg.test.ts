import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Job } from '../jobs/jobs.ts'
import type { AnswerBody } from './contract/operation.ts'
import type { Problem } from './contract/problem.ts'
import type { getSchedule, listScheduleRuns, runSchedule } from './contract/schedules.ts'
import type { RealApi } from './testing/real-api.ts'
import type { Tenant } from './testing/tenants.ts'
import { openRealApi } from './testing/real-api.ts'

type Schedule = AnswerBody<typeof getSchedule, 200>
type Run = AnswerBody<typeof runSchedule, 200>
type Runs = AnswerBody<typeof listScheduleRuns, 200>
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

let api: RealApi
let owner: Tenant

beforeAll(async () => {
  api = await openRealApi()
  owner = await api.makeTenant('owner')
  await api.store.createDatabase(owner.principal.accountId, 'web')
})
afterAll(() => api.close())

function ask(key: string, method: Method, path: string, body?: object) {
  return api.app.inject({
    method,
    url: `/api/v1/schedules${path}`,
    headers: { authorization: `Bearer ${key}` },
    ...(body !== undefined && { payload: body }),
  })
}

async function good<Body>(key: string, method: Method, path: string, body?: object): Promise<Body> {
  const response = await ask(key, method, path, body)
  expect(response.statusCode, response.body).toBeLessThan(300)
  return response.json<Body>()
}

async function problem(key: string, method: Method, path: string, body?: object): Promise<Problem> {
  const response = await ask(key, method, path, body)
  expect(response.statusCode, response.body).toBeGreaterThanOrEqual(400)
  return response.json<Problem>()
}

const yearly = { cron: '0 0 1 1 *', sql: 'select td_scheduled_time() as at' }
let names = 0
const make = (key: string, more: object = {}) =>
  good<Schedule>(key, 'POST', '', { name: `schedule ${++names}`, ...yearly, ...more })

let members = 0
/** A member of the owner's account who may query the database `web`, with a full key. */
async function makeMember() {
  const { principal } = owner
  const person = { email: `member${++members}@example.com`, name: 'member', role: 'member' } as const
  const { id: userId } = await api.access.createUser(principal, person)
  await api.access.setPermission(principal, userId, 'web', 'query')
  const { key, apiKey } = await api.access.createKey(principal, { kind: 'full', userId })
  return { userId, key, keyId: apiKey.id }
}

/** Runs the schedule for a time, and answers the finished job as whoever made the account sees it. */
async function runOf({ name }: Schedule, time: string): Promise<Job> {
  const { full } = owner.keys
  const { job } = await good<Run>(full, 'POST', `/${encodeURIComponent(name)}/run`, { scheduled_time: time })
  const url = `/api/v1/jobs/${job?.id}?wait=60`
  return (await api.app.inject({ url, headers: { authorization: `Bearer ${full}` } })).json<Job>()
}

describe('a schedule', () => {
  it('is made, shown, changed, paused, resumed and deleted', async () => {
    const { full } = owner.keys
    const made = await good<Schedule>(full, 'POST', '', { name: 'nightly', cron: '30 2 * * *', sql: 'select 1' })
    expect(made).toMatchObject({
      name: 'nightly',
      cron: '30 2 * * *',
      timezone: 'UTC',
      delay_seconds: 0,
      catch_up: 'all',
      sql: 'select 1',
      database: null,
      priority: 0,
      timeout_seconds: 60,
      attempts_max: 3,
      user_id: owner.principal.userId,
      paused_at: null,
    })
    expect(made.next_time).toMatch(/T02:30:00.000Z$/)
    expect(await good(full, 'GET', '/nightly')).toEqual(made)

    const change = {
      name: 'weekly',
      cron: '@weekly',
      timezone: 'Asia/Tokyo',
      delay_seconds: 60,
      catch_up: 'last',
      database: 'web',
      priority: 2,
      timeout_seconds: 5,
      attempts_max: 1,
    }
    const changed = await good<Schedule>(full, 'PATCH', '/nightly', change)
    expect(changed).toEqual({ ...made, ...change, next_time: changed.next_time })
    expect(changed.next_time).toMatch(/T15:00:00.000Z$/)
    const byHand = { cron: null, database: null, timeout_seconds: null }
    expect(await good(full, 'PATCH', '/weekly', byHand)).toMatchObject({
      ...byHand,
      timeout_seconds: 60,
      sql: 'select 1',
    })
    expect(await good(full, 'PATCH', '/weekly', {})).toMatchObject({ cron: null, next_time: null })
    await good(full, 'PATCH', '/weekly', { cron: '@daily' })

    const paused = await good<Schedule>(full, 'POST', '/weekly/pause')
    expect(paused).toMatchObject({ next_time: null })
    expect(paused.paused_at).not.toBeNull()
    const resumed = await good<Schedule>(full, 'POST', '/weekly/resume')
    expect(resumed).toMatchObject({ paused_at: null })
    expect(resumed.next_time).not.toBeNull()
    expect((await ask(full, 'DELETE', '/weekly')).statusCode).toBe(204)
    expect(await problem(full, 'GET', '/weekly')).toMatchObject({ status: 404, code: 'schedule_not_found' })
  })

  it.each(['50% of a/b?c=d#ü', 'preview', '%2F', '🦆'.repeat(128)])('may be called %j', async (name) => {
    const { full } = owner.keys
    const path = `/${encodeURIComponent(name)}`
    await make(full, { name })
    expect(await good(full, 'GET', path)).toMatchObject({ name })
    expect(await good(full, 'GET', `${path}/runs`)).toEqual({ items: [], next_cursor: null })
    const answer = await good<{ next_cursor: string }>(full, 'GET', '?limit=1')
    expect(answer).toMatchObject({ items: [{ name }], next_cursor: null })
    expect((await ask(full, 'DELETE', path)).statusCode).toBe(204)
  })

  it.each<[field: string, code: string, more: object]>([
    ['name', 'invalid_request', { name: '' }],
    ['name', 'invalid_request', { name: ' a' }],
    ['name', 'invalid_request', { name: 'a\0b' }],
    ['name', 'invalid_request', { name: '..' }],
    ['name', 'invalid_request', { name: 'a'.repeat(129) }],
    ['cron', 'invalid_request', { cron: 'often' }],
    ['cron', 'invalid_request', { cron: '0 0 30 2 *' }],
    ['cron', 'invalid_request', { cron: undefined }],
    ['time zone', 'invalid_request', { timezone: 'Mars/Olympus' }],
    ['time zone', 'invalid_request', { timezone: '+09:00' }],
    ['delay_seconds', 'invalid_request', { delay_seconds: -1 }],
    ['catch_up', 'invalid_request', { catch_up: 'some' }],
    ['priority', 'invalid_request', { priority: 3 }],
    ['timeout_seconds', 'invalid_request', { timeout_seconds: 0 }],
    ['attempts_max', 'invalid_request', { attempts_max: 0 }],
    ['sql', 'invalid_request', { sql: '' }],
    ['SQL', 'query_syntax', { sql: ' \n' }],
    ['SQL', 'query_syntax', { sql: "select '\0'" }],
    ['database', 'invalid_request', { database: 'a\0' }],
    ['kind', 'invalid_request', { kind: 'import' }],
    ['user_id', 'invalid_request', { user_id: 1 }],
  ])('with a wrong %s is refused (%s): %j', async (field, code, more) => {
    const body = { name: 'wrong', ...yearly, ...more }
    const refused = await problem(owner.keys.full, 'POST', '', body)
    expect(refused).toMatchObject({ status: 400, code })
    expect(refused.detail).toContain(field)
    expect(refused.hint).toBeTypeOf('string')
  })

  it('has a name that is taken, as a new one and as another', async () => {
    const [one, other] = [await make(owner.keys.full), await make(owner.keys.full)]
    for (const refused of [
      await problem(owner.keys.full, 'POST', '', { ...yearly, name: one.name }),
      await problem(owner.keys.full, 'PATCH', `/${other.name}`, { name: one.name }),
    ]) {
      expect(refused).toMatchObject({ status: 409, code: 'already_exists' })
    }
  })

  it('is looked for with no text that PostgreSQL cannot hold', async () => {
    const { full } = owner.keys
    expect(await problem(full, 'GET', '/a%00b')).toMatchObject({ status: 400, code: 'invalid_request' })
    for (const text of ['after:a\0', 'after:', 'before:1', 'before:2026-13-01T00:00:00Z']) {
      const cursor = Buffer.from(text).toString('base64url')
      for (const list of ['', '/none/runs']) {
        expect(await problem(full, 'GET', `${list}?cursor=${cursor}`)).toMatchObject({ code: 'invalid_request' })
      }
    }
  })
})

describe('who may', () => {
  it('are members with theirs and administrators with all, page by page', async () => {
    const tenant = await api.makeTenant('pages')
    const person = { email: 'm@example.com', name: 'm', role: 'member' } as const
    const { id: userId } = await api.access.createUser(tenant.principal, person)
    const { key } = await api.access.createKey(tenant.principal, { kind: 'full', userId })
    for (const name of ['a', 'c', 'e']) await make(tenant.keys.full, { name })
    for (const name of ['b', 'd']) expect(await make(key, { name })).toMatchObject({ user_id: userId })
    const pages = async (of: string) => {
      const found: string[][] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const path: string = `?limit=2${cursor && `&cursor=${cursor}`}`
        const page: { items: Schedule[]; next_cursor: string | null } = await good(of, 'GET', path)
        found.push(page.items.map(({ name }) => name))
        cursor = page.next_cursor
      }
      return found
    }
    expect(await pages(tenant.keys.full)).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect(await pages(key)).toEqual([['b', 'd']])

    const times = { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' }
    for (const [method, path, body] of [
      ['GET', '/a'],
      ['PATCH', '/a', { cron: null }],
      ['PATCH', '/a', { take_over: true }],
      ['DELETE', '/a'],
      ['POST', '/a/pause'],
      ['POST', '/a/resume'],
      ['POST', '/a/run'],
      ['POST', '/a/backfill', times],
      ['GET', '/a/next'],
      ['GET', '/a/runs'],
    ] as const) {
      expect(await problem(key, method, path, body)).toMatchObject({ status: 404, code: 'schedule_not_found' })
    }
    await good(tenant.keys.full, 'POST', '/b/pause')
    expect(await good(key, 'GET', '/b')).toMatchObject({ user_id: userId, next_time: null })
  })

  it('with a key that only reads look, and those with one that only imports do nothing', async () => {
    const { name } = await make(owner.keys.full)
    const [{ query }, { import: importing }] = [owner.keys, owner.keys]
    for (const [method, path, body] of [
      ['GET', ''],
      ['GET', `/${name}`],
      ['GET', `/${name}/next`],
      ['GET', `/${name}/runs`],
      ['POST', '/preview', { cron: '@daily' }],
    ] as const) {
      await good(query, method, encodeURI(path), body)
      expect(await problem(importing, method, encodeURI(path), body)).toMatchObject({ status: 403, code: 'forbidden' })
    }
    for (const [method, path, body] of [
      ['POST', '', { name: 'new', ...yearly }],
      ['PATCH', `/${name}`, { sql: 'drop table web.logs' }],
      ['POST', `/${name}/run`],
    ] as const) {
      for (const key of [query, importing]) {
        expect(await problem(key, method, encodeURI(path), body)).toMatchObject({ status: 403, code: 'forbidden' })
      }
    }
  })

  it('need the permission to query the database', async () => {
    const { key } = await makeMember()
    await make(key, { database: 'WEB' })
    expect(await problem(key, 'POST', '', { ...yearly, name: 'closed', database: 'other' })).toMatchObject({
      status: 403,
    })
    const { name } = await make(key)
    const path = `/${encodeURIComponent(name)}`
    expect(await problem(key, 'PATCH', path, { database: 'other' })).toMatchObject({ status: 403 })
  })

  it('change the query of another take it over; other changes leave it its user', async () => {
    const { key, userId } = await makeMember()
    const { name } = await make(key, { priority: 1, timeout_seconds: 7 })
    const path = `/${encodeURIComponent(name)}`
    const kept = await good(owner.keys.full, 'PATCH', path, { cron: '@daily', priority: -1, attempts_max: 9 })
    expect(kept).toMatchObject({ user_id: userId, priority: -1, timeout_seconds: 7, attempts_max: 9 })
    const taken = await good(owner.keys.full, 'PATCH', path, { sql: 'select 2' })
    expect(taken).toMatchObject({ user_id: owner.principal.userId, sql: 'select 2', priority: -1, timeout_seconds: 7 })
    expect(await problem(key, 'GET', path)).toMatchObject({ code: 'schedule_not_found' })
  })
})

describe('a run', () => {
  it('has the rights of its user at that time: not those of a key, and none where the user is gone', async () => {
    const { key, keyId, userId } = await makeMember()
    const made = await make(key, { database: 'web', sql: 'show tables' })
    await api.access.revokeKey(owner.principal, keyId)
    expect(await runOf(made, '2026-01-01T00:00:00Z')).toMatchObject({ state: 'success', error: null })
    await api.access.setPermission(owner.principal, userId, 'web', null)
    expect(await runOf(made, '2026-01-02T00:00:00Z')).toMatchObject({ state: 'error', error: { code: 'forbidden' } })
    await api.access.setPermission(owner.principal, userId, 'web', 'query')
    expect(await runOf(made, '2026-01-03T00:00:00Z')).toMatchObject({ state: 'success' })

    await api.access.deleteUser(owner.principal, userId)
    const failed = await runOf(made, '2026-01-04T00:00:00Z')
    expect(failed).toMatchObject({ state: 'error', attempt: 1, error: { code: 'user_not_found' } })
    expect(failed.error?.message).toContain(`The user ${userId}`)
    const path = `/${encodeURIComponent(made.name)}`
    await good(owner.keys.full, 'PATCH', path, { take_over: true })
    expect(await runOf(made, '2026-01-05T00:00:00Z')).toMatchObject({
      state: 'success',
      user_id: owner.principal.userId,
    })
    const { items } = await good<Runs>(owner.keys.full, 'GET', `${path}/runs`)
    expect(items.map(({ job }) => job?.state)).toEqual(['success', 'error', 'success', 'error', 'success'])
    expect(items[1]?.job?.error).toMatchObject({ code: 'user_not_found' })
  })

  it('of an owner who was removed has no rights either', async () => {
    const person = { email: 'second@example.com', name: 'second', role: 'owner' } as const
    const { id: userId } = await api.access.createUser(owner.principal, person)
    const { key } = await api.access.createKey(owner.principal, { kind: 'full', userId })
    const made = await make(key)
    await api.access.deleteUser(owner.principal, userId)
    expect(await runOf(made, '2026-01-01T00:00:00Z')).toMatchObject({ error: { code: 'user_not_found' } })
  })

  it('is one for each time, tells its time in SQL, and is listed', async () => {
    const { full } = owner.keys
    const made = await make(full, { cron: null })
    const path = `/${encodeURIComponent(made.name)}`
    const first = await good<Run>(full, 'POST', `${path}/run`, { scheduled_time: '2026-01-01T01:00:00.9+01:00' })
    expect(first).toMatchObject({ scheduled_time: '2026-01-01T00:00:00.000Z', cause: 'run_now' })
    const again = await good<Run>(full, 'POST', `${path}/run`, { scheduled_time: '2026-01-01T00:00:00Z' })
    expect(again.job?.id).toBe(first.job?.id)
    const { id } = await runOf(made, '2026-01-01T00:00:00Z')
    const url = `/api/v1/jobs/${id}/result?format=csv`
    const result = await api.app.inject({ url, headers: { authorization: `Bearer ${full}` } })
    expect(result.body).toBe(`at\r\n${Date.UTC(2026, 0, 1) / 1000}\r\n`)
    // Without a body it is this second.
    expect(Date.parse((await good<Run>(full, 'POST', `${path}/run`)).scheduled_time)).toBeGreaterThan(Date.UTC(2026))

    const other = { scheduled_time: '2026-01-01T00:00:00Z', again: true }
    const { job } = await good<Run>(full, 'POST', `${path}/run`, other)
    expect(job?.id).toBeGreaterThan(id)
    expect((await runOf(made, other.scheduled_time)).id).toBe(job?.id)
    const page = await good<Runs>(full, 'GET', `${path}/runs?limit=1`)
    expect(page.items).toHaveLength(1)
    const rest = await good<Runs>(full, 'GET', `${path}/runs?limit=1&cursor=${page.next_cursor}`)
    expect(rest).toMatchObject({ items: [{ job: { id: job?.id, state: 'success' } }], next_cursor: null })
  })

  it('fills a range where there are none; a dry run only tells which', async () => {
    const { full } = owner.keys
    const { name } = await make(full, { cron: '0 2 * * *', timezone: 'Europe/Berlin' })
    const path = `/${encodeURIComponent(name)}`
    await good(full, 'POST', `${path}/run`, { scheduled_time: '2026-03-28T01:00:00Z' })
    const range = { from: '2026-03-28T00:00:00+01:00', to: '2026-03-31T00:00:00+02:00' }
    const times = ['2026-03-29T01:00:00.000Z', '2026-03-30T00:00:00.000Z']
    expect(await good(full, 'POST', `${path}/backfill`, { ...range, dry_run: true })).toEqual({ times })
    expect(await good(full, 'POST', `${path}/backfill`, range)).toEqual({ times })
    expect(await good(full, 'POST', `${path}/backfill`, range)).toEqual({ times: [] })
    for (const wrong of [{ ...range, to: range.from }, { ...range, from: 'yesterday' }, { from: range.from }]) {
      expect(await problem(full, 'POST', `${path}/backfill`, wrong)).toMatchObject({ code: 'invalid_request' })
    }
  })

  it('may be of any time between 1970 and 3000', async () => {
    const { full } = owner.keys
    const { name } = await make(full, { delay_seconds: 316_224_000 })
    const path = `/${encodeURIComponent(name)}`
    for (const time of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-14:00', 'now']) {
      const refused = await problem(full, 'POST', `${path}/run`, { scheduled_time: time })
      expect(refused).toMatchObject({ status: 400, code: 'invalid_request' })
    }
    for (const time of ['1970-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '3000-01-01T00:00:00Z']) {
      const run = await good<Run>(full, 'POST', `${path}/run`, { scheduled_time: time })
      expect(run.job?.state).toMatch(/queued|delayed|running|success/)
    }
    const range = { from: '1970-01-01T00:00:00Z', to: '3000-01-01T00:00:00Z', dry_run: true }
    const { times } = await good<{ times: string[] }>(full, 'POST', `${path}/backfill`, range)
    expect([times.length, times[0], times.at(-1)?.slice(0, 4)]).toEqual([1028, '1971-01-01T00:00:00.000Z', '2999'])
    const tooFar = await problem(full, 'POST', `${path}/backfill`, { ...range, from: '0000-01-01T00:00:00Z' })
    expect(tooFar).toMatchObject({ code: 'invalid_request' })
    expect((await good<Runs>(full, 'GET', `${path}/runs`)).items).toHaveLength(3)
  })
})

describe('a preview', () => {
  it('tells the next times of a schedule, and of a cron that is not saved', async () => {
    const { full } = owner.keys
    const { name } = await make(full, { cron: '0 0 1 1 *', timezone: 'Asia/Tokyo' })
    const path = `/${encodeURIComponent(name)}`
    await good(full, 'POST', `${path}/pause`)
    const { times } = await good<{ times: string[] }>(full, 'GET', `${path}/next?count=2`)
    expect(times.map((time) => time.slice(4))).toEqual(['-12-31T15:00:00.000Z', '-12-31T15:00:00.000Z'])
    expect(await good(full, 'POST', '/preview', { cron: '0 0 1 1 *', timezone: 'Asia/Tokyo', count: 2 })).toEqual({
      times,
    })
    expect((await good<{ times: string[] }>(full, 'POST', '/preview', { cron: '@hourly' })).times).toHaveLength(10)
    for (const wrong of [{ cron: 'often' }, { cron: '@daily', timezone: 'here' }, { cron: '@daily', count: 1001 }]) {
      expect(await problem(full, 'POST', '/preview', wrong)).toMatchObject({ status: 400, code: 'invalid_request' })
    }
    expect(await problem(full, 'GET', `${path}/next?count=0`)).toMatchObject({ status: 400 })
  })
})

it('met no bug', () => {
  expect(api.bugs).toEqual([])
})
