import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Job } from '../jobs/jobs.ts'
import type { Operation } from './contract/operation.ts'
import { apiPrefix } from './contract/operation.ts'
import { operations } from './contract/operations.ts'
import type { Problem } from './contract/problem.ts'
import { openRealApi } from './testing/real-api.ts'
import type { RealApi } from './testing/real-api.ts'
import type { Tenant } from './testing/tenants.ts'

// Every operation of the contract, called by those who may not: an intruder from another account, who knows every name and
// number of the owner's; keys of the wrong kind; nobody at all. An operation that is missing in a table here fails.

let api: RealApi
let owner: Tenant
/** What the paths are filled with: all of it the owner's. */
let places: Readonly<Record<string, string>>

beforeAll(async () => {
  api = await openRealApi()
  await api.makeTenant('operators')
  owner = await api.makeTenant('owner')
  const { accountId } = owner.principal
  await api.store.createDatabase(accountId, 'web')
  await api.store.createTable(accountId, 'web', 'logs')
  const record = { uniqueId: 'q', recordNumber: 0, byteOffset: 0, reason: 'json_syntax', detail: 'secret' }
  const raw = Buffer.from('secret')
  await api.store.quarantine(accountId, 'web', 'logs', [{ ...record, raw, rawBytes: 6, objectKey: null }])
  const member = { email: 'secret@example.com', name: 'secret', role: 'member' } as const
  const { id: user } = await api.access.createUser(owner.principal, member)
  await api.access.setPermission(owner.principal, user, 'web', 'query')
  const { apiKey } = await api.access.createKey(owner.principal, { kind: 'full', userId: user, description: 'secret' })
  // The first account is the operators'.
  await api.postgres.query(sql`
    insert into job_limits (key, account_id, slots) values (${limitOfOwner()}, ${accountId}, 5)`)
  const job = await finishedQuery(owner, `select 'secret' as word, 9007199254740993 as n`)
  await call('getJobResult', owner.keys.full, { job: String(job.id) })
  places = {
    database: 'web',
    table: 'logs',
    column: 'code',
    user: String(user),
    key: String(apiKey.id),
    job: String(job.id),
    schedule: 'nightly',
    record: String(await quarantinedRecord()),
  }
  const secretSchedule = await api.app.inject({
    method: 'POST',
    url: `${apiPrefix}/schedules`,
    headers: { authorization: `Bearer ${owner.keys.full}` },
    payload: { name: 'nightly', cron: '@daily', sql: `select 'secret'` },
  })
  expect(secretSchedule.statusCode).toBe(201)
  expect((await call('runSchedule', owner.keys.full)).statusCode).toBe(200)
})
afterAll(() => api.close())

async function quarantinedRecord(): Promise<number> {
  const [entry] = await api.store.listQuarantine(owner.principal.accountId, 'web', 'logs', { limit: 1 })
  return must(entry, 'a record').id
}

async function finishedQuery(tenant: Tenant, text: string, more: Record<string, unknown> = {}): Promise<Job> {
  const payload = { sql: text, wait_seconds: 60, ...more }
  const headers = { authorization: `Bearer ${tenant.keys.full}` }
  const response = await api.app.inject({ method: 'POST', url: `${apiPrefix}/queries`, headers, payload })
  expect(response.statusCode, response.body).toBe(200)
  return response.json<Job>()
}

const limitOfOwner = () => `resource:${owner.principal.accountId}/warehouse`

/** Bodies for the operations that take one. */
const bodies = (): Readonly<Record<string, unknown>> => ({
  createDatabase: { name: 'web' },
  createTable: { name: 'more' },
  updateTable: { expire_days: 1 },
  renameTable: { name: 'other' },
  addColumn: { name: 'c', type: 'bigint' },
  updateColumn: { name: 'c' },
  swapTables: { with: 'other' },
  truncateTable: {},
  deleteRows: { from: 0, to: 1 },
  postImport: '{"a":1}',
  putImport: '{"a":1}',
  postEvents: '{"a":1}',
  verifyTables: { database: 'web', table: 'logs' },
  submitQuery: { sql: 'select * from web.logs', database: 'web' },
  createKey: { kind: 'full', user_id: Number(places['user']) },
  createUser: { email: 'secret@example.com', name: 'another' },
  setPassword: { password: 'taken over' },
  putPermission: { privilege: 'full' },
  putLimit: { key: limitOfOwner(), slots: 3 },
  removeLimit: { key: limitOfOwner() },
  pauseLimit: { key: limitOfOwner(), until: null },
  redriveJobs: { all: true },
  fixQuarantine: { all: true, edits: [{ find: 's', replace: 'S' }] },
  replayQuarantine: { all: true },
  deleteQuarantine: { all: true },
  createSchedule: { name: 'nightly', cron: '0 0 1 1 *', sql: 'select 1', database: null },
  previewCron: { cron: '0 0 1 1 *' },
  updateSchedule: { sql: 'select 1' },
  runSchedule: { scheduled_time: '2026-01-01T00:00:00Z' },
  backfillSchedule: { from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
})

/** What some operations cannot do without. */
const queries: Readonly<Record<string, string>> = {
  postImport: '?format=ndjson',
  putImport: '?format=ndjson',
  diffSnapshots: '?from=0',
}

function find(id: string): Operation {
  return must(
    operations.find((operation) => operation.id === id),
    `the operation ${id}`,
  )
}

async function call(id: string, key: string | null, at: Readonly<Record<string, string>> = places) {
  const { method, path, body } = find(id)
  const url = apiPrefix + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => must(at[name], `a ${name}`))
  const options: InjectOptions = {
    method,
    url: url + (queries[id] ?? ''),
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  }
  const payload = body === undefined ? undefined : must(bodies()[id], `a body for ${id}`)
  return api.app.inject(payload === undefined ? options : { ...options, payload: payload as object })
}

/** Everything of the owner's, as the database has it. */
async function ownersRows(): Promise<string> {
  const account = owner.principal.accountId
  const [row] = await api.postgres.query<{ all: string }>(sql`
    select concat_ws(' ',
      (select json_agg(d order by id) from databases d where account_id = ${account}),
      (select json_agg(t order by id) from tables t where account_id = ${account}),
      (select json_agg(q order by id) from quarantine q where account_id = ${account}),
      (select json_agg(u order by id) from users u where account_id = ${account}),
      (select json_agg((id, user_id, kind, revoked_at) order by id) from api_keys where account_id = ${account}),
      (select json_agg(p) from database_permissions p where account_id = ${account}),
      (select json_agg((key, slots, paused_until) order by id) from job_limits where account_id = ${account}),
      (select json_agg((s, t) order by id) from schedules s join schedule_times t on t.schedule_id = s.id
        where account_id = ${account}),
      (select json_agg(r order by schedule_id, scheduled_time) from schedule_runs r where account_id = ${account}),
      (select json_agg(j order by id) from jobs j where account_id = ${account})) as all`)
  return must(row, 'a row').all
}

/** What an intruder is answered: an own, empty or new thing, or that there is no such thing. */
const intrusions: Readonly<Record<string, number | string>> = {
  listDatabases: 200,
  createDatabase: 201,
  getDatabase: 'database_not_found',
  deleteDatabase: 'database_not_found',
  listTables: 'database_not_found',
  createTable: 'database_not_found',
  getTable: 'database_not_found',
  deleteTable: 'database_not_found',
  listQuarantine: 200,
  listQuarantineReasons: 200,
  getQuarantined: 'record_not_found',
  getQuarantinedBytes: 'record_not_found',
  fixQuarantine: 200,
  replayQuarantine: 202,
  deleteQuarantine: 200,
  getTableLayout: 'database_not_found',
  listDamagedChunks: 'database_not_found',
  verifyTables: 'database_not_found',
  updateTable: 'database_not_found',
  renameTable: 'database_not_found',
  addColumn: 'database_not_found',
  updateColumn: 'database_not_found',
  deleteColumn: 'database_not_found',
  swapTables: 'database_not_found',
  undropTable: 'database_not_found',
  truncateTable: 'database_not_found',
  deleteRows: 'database_not_found',
  purgeHistory: 'database_not_found',
  listSnapshots: 'database_not_found',
  diffSnapshots: 'database_not_found',
  postImport: 202,
  putImport: 202,
  postEvents: 202,
  listRejections: 200,
  submitQuery: 202,
  listJobs: 200,
  getJob: 'job_not_found',
  getJobHistory: 'job_not_found',
  killJob: 'job_not_found',
  getJobResult: 'job_not_found',
  explainJob: 'job_not_found',
  listWorkers: 200,
  listLimits: 200,
  putLimit: 'forbidden',
  removeLimit: 'forbidden',
  pauseLimit: 'forbidden',
  listDeadLetters: 200,
  listDeadJobs: 200,
  redriveJobs: 200,
  listSchedules: 200,
  createSchedule: 201,
  previewCron: 200,
  getSchedule: 'schedule_not_found',
  updateSchedule: 'schedule_not_found',
  deleteSchedule: 'schedule_not_found',
  pauseSchedule: 'schedule_not_found',
  resumeSchedule: 'schedule_not_found',
  runSchedule: 'schedule_not_found',
  backfillSchedule: 'schedule_not_found',
  listNextTimes: 'schedule_not_found',
  listScheduleRuns: 'schedule_not_found',
  getAccount: 200,
  listKeys: 200,
  createKey: 'user_not_found',
  deleteKey: 'key_not_found',
  listUsers: 200,
  createUser: 201,
  deleteUser: 'user_not_found',
  setPassword: 'user_not_found',
  removePassword: 'user_not_found',
  listPermissions: 'user_not_found',
  getPermission: 'user_not_found',
  putPermission: 'user_not_found',
  deletePermission: 'user_not_found',
  getStatus: 200,
}

/** Lists of which an intruder has none of their own. */
const emptyLists = [
  'listDatabases',
  'listQuarantine',
  'listQuarantineReasons',
  'listRejections',
  'listJobs',
  'listLimits',
  'listDeadLetters',
  'listDeadJobs',
  'listSchedules',
]

describe('an intruder who knows every name and number', () => {
  it.each(operations.map(({ id }) => id))('gets nothing by %s', async (id) => {
    const expected = must(intrusions[id], `what an intruder gets by ${id}`)
    const intruder = await api.makeTenant(`intruder of ${id}`)
    const before = await ownersRows()
    const response = await call(id, intruder.keys.full)
    expect(await ownersRows()).toBe(before)
    if (id !== 'createUser') expect(response.body).not.toContain('secret')
    if (typeof expected === 'string') {
      const status = expected === 'forbidden' ? 403 : 404
      expect(response.json<Problem>()).toMatchObject({ status, code: expected })
      return
    }
    expect(response.statusCode, response.body).toBe(expected)
    // What comes back has the shape that the contract says.
    const answer = response.json<{ items?: unknown[]; user_id?: number }>()
    must(find(id).answers[expected]?.schema, 'a shape').parse(answer)
    if (emptyLists.includes(id)) expect(answer.items).toEqual([])
    const { accountId } = intruder.principal
    for (const request of api.imports.splice(0)) expect(request.principal.accountId).toBe(accountId)
  })

  it('reads nothing by SQL', async () => {
    const intruder = await api.makeTenant('intruder by SQL')
    const job = await finishedQuery(intruder, 'select * from web.logs')
    expect([job.state, job.error?.code]).toEqual(['error', 'database_not_found'])
  })
})

describe('nobody', () => {
  it.each(operations.map(({ id }) => id))('gets nothing by %s', async (id) => {
    const before = await ownersRows()
    for (const key of [null, '', owner.keys.full.slice(0, -1), `${owner.keys.full}0`, owner.keys.full.toUpperCase()]) {
      const response = await call(id, key)
      expect([response.statusCode, response.json<Problem>().code]).toEqual([401, 'unauthenticated'])
    }
    expect(await ownersRows()).toBe(before)
  })
})

describe('keys of the owner', () => {
  const writing = ['postImport', 'putImport', 'postEvents']
  const tables = ['listDatabases', 'getDatabase', 'listTables', 'getTable', 'listSnapshots', 'diffSnapshots']
  const looking = [...tables, 'getAccount', 'getStatus']
  const reading = [
    'listQuarantine',
    'listQuarantineReasons',
    'getQuarantined',
    'getQuarantinedBytes',
    'listRejections',
    'getTableLayout',
    'listDamagedChunks',
    'submitQuery',
    'listJobs',
    'getJob',
    'getJobHistory',
    'killJob',
    'getJobResult',
    'explainJob',
    'listSchedules',
    'previewCron',
    'getSchedule',
    'listNextTimes',
    'listScheduleRuns',
  ]
  const may = { import: [...looking, ...writing], query: [...looking, ...reading] } as const

  it.each(operations.flatMap(({ id }) => [[id, 'import'] as const, [id, 'query'] as const]))(
    'allow %s as %s, or not',
    async (id, kind) => {
      const response = await call(id, owner.keys[kind])
      const allowed: readonly string[] = may[kind]
      if (allowed.includes(id)) expect(response.statusCode, response.body).toBeLessThan(300)
      else expect(response.json<Problem>()).toMatchObject({ status: 403, code: 'forbidden' })
      api.imports.splice(0)
    },
  )

  it('see their own things in the shapes of the contract', async () => {
    for (const { id, answers, method, tag } of operations) {
      if (method !== 'GET' || id === 'getJobResult' || id === 'getQuarantinedBytes') continue
      const response = await call(id, owner.keys.full)
      expect(response.statusCode, `${id} ${response.body}`).toBe(200)
      const answer = must(answers[200]?.schema, 'a shape').parse(response.json())
      if (tag !== 'server') expect(answer).toEqual(response.json())
    }
  })
})

describe('a result', () => {
  const url = () => `${apiPrefix}/jobs/${places['job']}/result`
  const get = (query: string, headers: Record<string, string> = {}) =>
    api.app.inject({ url: url() + query, headers: { authorization: `Bearer ${owner.keys.full}`, ...headers } })

  it('comes to the digit, in any format, and made once', async () => {
    const json = await get('?format=json')
    expect(json.body).toBe(
      '{"columns":[{"name":"word","type":"varchar"},{"name":"n","type":"bigint"}],"rows":[\n["secret",9007199254740993]\n]}\n',
    )
    expect((await get('?format=csv')).body).toBe('word,n\r\nsecret,9007199254740993\r\n')
    expect((await get('?format=csv')).headers['content-type']).toBe('text/csv; charset=utf-8')
    const jobs = await api.postgres.query(
      sql`select from jobs where kind = 'result' and input->>'format' = 'csv' and account_id = ${owner.principal.accountId}`,
    )
    expect(jobs).toHaveLength(1)
  })

  it('is there as it was said to be read when the query is done, if it is small', async () => {
    const read = async (text: string) => {
      const job = await finishedQuery(owner, text, { result_format: 'tsv' })
      const headers = { authorization: `Bearer ${owner.keys.full}` }
      const response = await api.app.inject({ url: `${apiPrefix}/jobs/${job.id}/result?format=tsv`, headers })
      const made = await api.postgres.query(
        sql`select from jobs where kind = 'result' and (input->>'queryJobId')::bigint = ${job.id}`,
      )
      return { lines: response.body.split('\n').length - 1, jobs: made.length }
    }
    expect(await read('select i from range(10000) r(i)')).toEqual({ lines: 10_001, jobs: 0 })
    expect(await read('select i from range(10001) r(i)')).toEqual({ lines: 10_002, jobs: 1 })
  })

  it('can be resumed where a download broke off', async () => {
    const whole = await get('?format=ndjson')
    const etag = String(whole.headers['etag'])
    const rest = await get('?format=ndjson', { range: 'bytes=5-', 'if-range': etag })
    expect([rest.statusCode, rest.body]).toEqual([206, whole.body.slice(5)])
    expect((await get('?format=ndjson', { 'if-none-match': etag })).statusCode).toBe(304)
  })

  it('is asked for by many at once', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => get('?format=tsv')))
    expect(new Set(all.map(({ statusCode, body }) => `${statusCode} ${body}`))).toEqual(
      new Set(['200 word\tn\nsecret\t9007199254740993\n']),
    )
  })

  it('of a query that failed is the failure', async () => {
    const job = await finishedQuery(owner, 'select * from web.nothing')
    const response = await api.app.inject({
      url: `${apiPrefix}/jobs/${job.id}/result`,
      headers: { authorization: `Bearer ${owner.keys.full}` },
    })
    expect(response.json<Problem>()).toMatchObject({ status: 404, code: 'table_not_found' })
  })

  it('that is stored no more is said to be gone', async () => {
    await api.postgres.query(
      sql`update job_history set output = jsonb_set(output - 'inline', '{resultKey}', '"results/gone"') where job_id = ${Number(places['job'])} and output is not null`,
    )
    expect((await get('?format=parquet')).json<Problem>()).toMatchObject({ status: 410, code: 'result_expired' })
  })
})

it('met no bug', () => {
  expect(api.bugs).toEqual([])
})
