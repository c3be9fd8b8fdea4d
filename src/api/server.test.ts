import type { InjectOptions } from 'fastify'
import { describe, expect, it } from 'vitest'

import { AppError } from '../base/errors.ts'
import type { Job } from '../jobs/jobs.ts'
import { isBytesBody } from './contract/operation.ts'
import { operations } from './contract/operations.ts'
import { problem } from './contract/problem.ts'
import { lightApi, lightDeliver, lightJob, principals } from './testing/light-api.ts'

const key = { authorization: 'Bearer 1/full' }

async function failure(options: InjectOptions, api = lightApi()) {
  const response = await api.app.inject({ ...options, headers: { ...key, ...options.headers } })
  expect(response.headers['content-type']).toBe('application/problem+json')
  const body = problem.parse(response.json())
  expect(body.status).toBe(response.statusCode)
  expect(response.headers['x-request-id']).toBe(body.request_id)
  expect(body.title.length * body.detail.length).toBeGreaterThan(0)
  return { ...body, headers: response.headers }
}

describe('authentication', () => {
  const url = '/api/v1/account'

  it.each([
    ['Bearer', 'Bearer 1/full'],
    ['TD1', 'TD1 1/full'],
    ['another case', 'bearer 1/full'],
    ['Basic, the key as user', `Basic ${Buffer.from('1/full:').toString('base64')}`],
    ['Basic, the key as password', `Basic ${Buffer.from(':1/full').toString('base64')}`],
  ])('takes %s', async (_name, authorization) => {
    const response = await lightApi().app.inject({ url, headers: { authorization } })
    expect(response.json()).toMatchObject({ id: 1, user: { id: 1, role: 'owner' }, key: { id: 1, kind: 'full' } })
  })

  it.each(['', 'Bearer', 'Bearer 1/other', '1/full', 'Digest x', 'Basic !!!', 'Basic Og=='])(
    'refuses “%s”',
    async (authorization) => {
      const { code, status, headers } = await failure({ url, headers: { authorization } })
      expect([code, status]).toEqual(['unauthenticated', 401])
      expect(headers['www-authenticate']).toBe('Bearer realm="biwa"')
    },
  )

  it.each(operations.map(({ id, method, path }) => [id, method, path] as const))(
    'comes before everything in %s',
    async (_id, method, path) => {
      const url = `/api/v1${path.replaceAll(/\{\w+\}/g, '1')}`
      const { code } = await failure({ method, url, headers: { authorization: '' }, payload: '{' })
      expect(code).toBe('unauthenticated')
    },
  )
})

describe('what is asked', () => {
  const cases: [what: string, options: InjectOptions, code: string, detail: string | RegExp][] = [
    ['an unknown path', { url: '/api/v1/nothing?x=1' }, 'route_not_found', 'There is nothing at /api/v1/nothing.'],
    ['another method', { method: 'DELETE', url: '/api/v1/queries' }, 'method_not_allowed', /does not take DELETE/],
    ['a bad path', { url: '/api/v1/databases/%zz' }, 'invalid_request', /percent sign/],
    ['a path that is too long', { url: `/api/v1/databases/${'a'.repeat(600)}` }, 'invalid_name', /longer/],
    ['an id that is none', { url: '/api/v1/jobs/seven' }, 'invalid_request', /“job” in the path/],
    ['an id beyond all ids', { url: '/api/v1/jobs/99999999999999999999' }, 'invalid_request', /“job” in the path/],
    ['no body', { method: 'POST', url: '/api/v1/queries' }, 'invalid_request', 'The body is missing.'],
    [
      'a missing field',
      { method: 'POST', url: '/api/v1/queries', payload: {} },
      'invalid_request',
      '“sql” in the body is missing.',
    ],
    [
      'a field of another type',
      { method: 'POST', url: '/api/v1/queries', payload: { sql: 7 } },
      'invalid_request',
      /^“sql” in the body is not valid: .*string/,
    ],
    [
      'an unknown field',
      { method: 'POST', url: '/api/v1/queries', payload: { sql: 'select 1', datbase: 'x' } },
      'invalid_request',
      'The body has unknown fields: datbase.',
    ],
    [
      'a field deep inside',
      { method: 'POST', url: '/api/v1/databases/d/tables', payload: { name: 't', columns: [{ name: 'a' }] } },
      'invalid_request',
      '“columns.0.type” in the body is missing.',
    ],
    [
      'a type that is none',
      {
        method: 'POST',
        url: '/api/v1/databases/d/tables',
        payload: { name: 't', columns: [{ name: 'a', type: 'x' }] },
      },
      'invalid_request',
      /x/,
    ],
    [
      'one of a few words',
      { method: 'POST', url: '/api/v1/keys', payload: { kind: 'all' } },
      'invalid_request',
      '“kind” in the body has to be one of: full, query, import.',
    ],
    ['a page of nothing', { url: '/api/v1/jobs?limit=0' }, 'invalid_request', /“limit” in the query/],
    ['a cursor of somebody else', { url: '/api/v1/jobs?cursor=abc' }, 'invalid_request', /“cursor” in the query/],
    ['an unknown result format', { url: '/api/v1/jobs/7/result?format=xls' }, 'unsupported_format', /“format”/],
  ]

  it.each(cases)('%s', async (_what, options, code, detail) => {
    const answer = await failure(options)
    expect(answer.code).toBe(code)
    if (typeof detail === 'string') expect(answer.detail).toBe(detail)
    else expect(answer.detail).toMatch(detail)
    expect(answer.instance).not.toContain('?')
  })

  it('tells the methods that a path takes', async () => {
    const { headers } = await failure({ method: 'PATCH', url: '/api/v1/databases' })
    expect(headers['allow']).toBe('GET, HEAD, POST')
  })

  it('tells why JSON is none', async () => {
    const answer = await failure({ method: 'POST', url: '/api/v1/queries', payload: '{"sql": x' })
    expect(answer.code).toBe('invalid_request')
    expect(answer.detail).toMatch(/^The body is not JSON: .*x/)
  })

  it('takes JSON under any Content-Type', async () => {
    const api = lightApi({ process: { submitQuery: async () => ({ job: lightJob(), existing: false }) } })
    const headers = { ...key, 'content-type': 'application/x-www-form-urlencoded' }
    const request = { method: 'POST', url: '/api/v1/queries', headers, payload: '{"sql":"select 1"}' } as const
    const response = await api.app.inject(request)
    expect([response.statusCode, response.headers['location']]).toEqual([202, '/api/v1/jobs/7'])
  })

  it('keeps the name that the sender gave the request, where it is plain', async () => {
    const named = await failure({ url: '/nothing', headers: { 'x-request-id': 'trace:1' } })
    expect(named.request_id).toBe('trace:1')
    const strange = await failure({ url: '/nothing', headers: { 'x-request-id': 'a b' } })
    expect(strange.request_id).toMatch(/^[0-9a-f]{12}-1$/)
  })
})

describe('keys that only import', () => {
  const headers = { authorization: 'Bearer 1/import' }
  const reading = ['/api/v1/jobs', '/api/v1/jobs/7', '/api/v1/jobs/7/history', '/api/v1/jobs/7/result', '/api/v1/keys']

  it.each([...reading, '/api/v1/users'])('may not read %s', async (url) => {
    expect((await failure({ url, headers })).code).toBe('forbidden')
  })

  it('may not query', async () => {
    const payload = { sql: 'select 1' }
    expect((await failure({ method: 'POST', url: '/api/v1/queries', headers, payload })).code).toBe('forbidden')
  })
})

describe('jobs', () => {
  const jobs = { get: async () => lightJob(), list: async () => [lightJob({ userId: 2 }), lightJob({ id: 6 })] }

  it('are not there for members whose they are not', async () => {
    const api = lightApi({ jobs, deliver: lightDeliver('x') })
    const headers = { authorization: 'Bearer 1/member' }
    for (const path of ['', '/history', '/result']) {
      expect((await failure({ url: `/api/v1/jobs/7${path}`, headers }, api)).code).toBe('job_not_found')
    }
    const kill = await failure({ method: 'POST', url: '/api/v1/jobs/7/kill', headers }, api)
    expect(kill.code).toBe('job_not_found')
    const list = await api.app.inject({ url: '/api/v1/jobs', headers })
    expect(list.json<{ items: { id: number }[] }>().items.map(({ id }) => id)).toEqual([7])
  })

  it('are listed a page at a time', async () => {
    const asked: unknown[] = []
    const all = [9, 8, 7].map((id) => lightJob({ id }))
    const api = lightApi({
      jobs: {
        async list(filter) {
          asked.push(filter)
          return all.filter(({ id }) => id < (filter.before ?? 100)).slice(0, filter.limit)
        },
      },
    })
    const first = await api.app.inject({ url: '/api/v1/jobs?limit=2&state=queued', headers: key })
    const page = first.json<{ items: { id: number }[]; next_cursor: string | null }>()
    expect(page.items.map(({ id }) => id)).toEqual([9, 8])
    const next = await api.app.inject({ url: `/api/v1/jobs?limit=2&cursor=${page.next_cursor}`, headers: key })
    expect(next.json()).toMatchObject({ items: [{ id: 7 }], next_cursor: null })
    expect(asked).toEqual([
      { accountId: 1, state: 'queued', limit: 3 },
      { accountId: 1, before: 8, limit: 3 },
    ])
  })

  it('are waited for, and answered as they are when the server closes', async () => {
    let beginsToWait!: () => void
    const waits = new Promise<void>((resolve) => (beginsToWait = resolve))
    const api = lightApi({
      jobs: {
        get: async () => lightJob(),
        wait: (_account, _id, _ms, signal) =>
          new Promise((resolve) => {
            signal?.addEventListener('abort', () => resolve(lightJob({ state: 'running' })))
            beginsToWait()
          }),
      },
    })
    const address = await api.app.listen({ host: '127.0.0.1', port: 0 })
    const waiting = fetch(`${address}/api/v1/jobs/7?wait=300`, { headers: key })
    await waits
    await api.app.close()
    expect(await (await waiting).json()).toMatchObject({ id: 7, state: 'running' })
  })

  it('are no longer waited for when the client goes away', async () => {
    const client = new AbortController()
    let ended!: (job: Job) => void
    const waitEnded = new Promise<Job>((resolve) => (ended = resolve))
    const api = lightApi({
      process: { submitQuery: async () => ({ job: lightJob(), existing: false }) },
      jobs: {
        async wait(_account, _id, _ms, signal) {
          expect(signal?.aborted).toBe(false)
          signal?.addEventListener('abort', () => ended(lightJob()))
          client.abort()
          return waitEnded
        },
      },
    })
    const address = await api.app.listen({ host: '127.0.0.1', port: 0 })
    const body = JSON.stringify({ sql: 'select 1', wait_seconds: 300 })
    const request = fetch(`${address}/api/v1/queries`, { method: 'POST', headers: key, body, signal: client.signal })
    await expect(request).rejects.toThrow(/abort/)
    await waitEnded
    api.app.server.closeAllConnections()
    await api.app.close()
    expect(api.bugs).toEqual([])
  })

  it('show a query with what it read', async () => {
    const output = {
      statement: 'select',
      columns: [{ name: 'n', type: { kind: 'decimal', precision: 38, scale: 0 } }],
      rows: 1,
      resultKey: 'results/1/7',
      inline: 'UEFSMQ==',
      resultBytes: 300,
      statistics: { scans: [], bytesScanned: 0, planMs: 1, runMs: 2 },
    }
    const api = lightApi({ jobs: { get: async () => lightJob({ state: 'success', output }) } })
    const job = await api.app.inject({ url: '/api/v1/jobs/7', headers: key })
    expect(job.json()).toMatchObject({
      state: 'success',
      query: { sql: 'select 1', result: { columns: [{ name: 'n', type: 'decimal(38,0)' }], downloadable: true } },
    })
    expect(job.body).not.toContain('principal')
    expect(job.body).not.toContain('results/1')
    expect(job.body).not.toContain('UEFSMQ==')
  })
})

describe('results', () => {
  const api = lightApi({ jobs: { get: async () => lightJob() }, deliver: lightDeliver('0123456789') })
  const get = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET', query = '') =>
    api.app.inject({ method, url: `/api/v1/jobs/7/result${query}`, headers: { ...key, ...headers } })

  it('come whole, named, and with a tag', async () => {
    const response = await get()
    expect([response.statusCode, response.body]).toEqual([200, '0123456789'])
    expect(response.headers).toMatchObject({
      etag: '"7-json"',
      'content-length': '10',
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="job-7.json"',
      'accept-ranges': 'bytes',
    })
  })

  it('come in parts', async () => {
    const response = await get({ range: 'bytes=2-4', 'if-range': '"7-json"' })
    expect([response.statusCode, response.body]).toEqual([206, '234'])
    expect(response.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3' })
  })

  it('are not sent to who has them, nor to who asks about them only', async () => {
    const known = await get({ 'if-none-match': '"7-json"' })
    expect([known.statusCode, known.body, known.headers['etag']]).toEqual([304, '', '"7-json"'])
    const head = await get({}, 'HEAD')
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', '10'])
  })

  it('have no bytes beyond their end', async () => {
    const url = '/api/v1/jobs/7/result'
    const { code, headers } = await failure({ url, headers: { range: 'bytes=10-' } }, api)
    expect([code, headers['content-range']]).toEqual(['range_not_satisfiable', 'bytes */10'])
  })

  it('come in the format that Accept names', async () => {
    const named = async (accept: string, query = '') => (await get({ accept }, 'GET', query)).headers['etag']
    expect(await named('text/html, text/csv;q=0.9')).toBe('"7-csv"')
    expect(await named('*/*')).toBe('"7-json"')
    expect(await named('text/csv', '?format=parquet')).toBe('"7-parquet"')
  })
})

describe('bugs', () => {
  it('are answered without their words, and told after that', async () => {
    const store = {
      database: async () => {
        throw new TypeError('secret of the house')
      },
    }
    const api = lightApi({ store })
    const answer = await failure({ url: '/api/v1/databases/d' }, api)
    expect([answer.code, answer.status]).toEqual(['internal', 500])
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(api.bugs).toMatchObject([{ message: 'secret of the house' }])
  })

  it('are no failures that were expected', async () => {
    const store = {
      database: async () => {
        throw new AppError('database_unavailable', 'PostgreSQL is away.', { retryAfterSeconds: 2, hint: 'Wait.' })
      },
    }
    const api = lightApi({ store })
    const answer = await failure({ url: '/api/v1/databases/d' }, api)
    expect(answer).toMatchObject({ status: 503, retryable: true, hint: 'Wait.' })
    expect(answer.headers['retry-after']).toBe('2')
    expect(api.bugs).toEqual([])
  })
})

describe('probes', () => {
  it('tell that the process lives and what is away', async () => {
    const { app } = lightApi({ broken: ['object_store'] })
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok', version: '1.2.3' })
    const ready = await app.inject('/readyz')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toEqual({
      status: 'not_ready',
      checks: [
        { name: 'database', ok: true, detail: null },
        { name: 'object_store', ok: false, detail: 'the object_store is away' },
      ],
    })
    expect((await lightApi().app.inject('/readyz')).statusCode).toBe(200)
    const status = await app.inject({ url: '/api/v1/status', headers: key })
    expect([status.statusCode, status.json<{ ok: boolean }>().ok]).toEqual([200, false])
  })

  it('count what was answered, by route and not by path', async () => {
    const depth = async () => [{ kind: 'query', state: 'running' as const, count: 3, oldestSeconds: 9 }]
    const figures = {
      limits: [{ limit: 'kind:query', slots: 7, used: 5, full: 0 }],
      retries: [{ cause: 'worker_lost' as const, count: 2 }],
      dead: [{ kind: 'query', count: 4 }],
      schedules: { active: 3, paused: 1, lateSeconds: 0.5, fired: [{ cause: 'backfill' as const, count: 6 }] },
    }
    const { app } = lightApi({ jobs: { depth, get: async () => lightJob() }, figures })
    await app.inject({ url: '/api/v1/jobs/7', headers: key })
    await app.inject({ url: '/some/other/path' })
    const path = '/api/v1/databases/d/tables/t/events'
    await app.inject({ method: 'POST', url: path, headers: key, payload: '{"a":1}' })
    const metrics = (await app.inject('/metrics')).body
    expect(metrics).toContain('biwa_http_requests_total{method="GET",route="/api/v1/jobs/:job",status="200"} 1')
    expect(metrics).toContain('biwa_http_requests_total{method="GET",route="none",status="404"} 1')
    expect(metrics).toContain('biwa_ingest_requests_total{door="events",outcome="accepted"} 1')
    expect(metrics).toContain('biwa_ingest_bytes_total{door="events"} 7')
    expect(metrics).toContain('biwa_jobs{kind="query",state="running"} 3')
    expect(metrics).toContain('biwa_jobs_dead{kind="query"} 4')
    expect(metrics).toContain('biwa_jobs_retries_recent{cause="worker_lost"} 2')
    expect(metrics).toContain('biwa_limit_slots{limit="kind:query"} 7')
    expect(metrics).toContain('biwa_limit_slots_used{limit="kind:query"} 5')
    expect(metrics).toContain('biwa_limits_full{limit="kind:query"} 0')
    expect(metrics).toContain('biwa_schedules{state="active"} 3')
    expect(metrics).toContain('biwa_schedules{state="paused"} 1')
    expect(metrics).toContain('biwa_schedules_late_seconds 0.5')
    expect(metrics).toContain('biwa_schedules_fired_recent{cause="backfill"} 6')
    expect(metrics).toMatch(/biwa_build_info\{version="1.2.3",node="v[\d.]+"\} 1/)
    expect(metrics).not.toContain('/some/other')
  })

  it('stay readable while the database is away', async () => {
    const depth = async () => {
      throw new AppError('database_unavailable', 'PostgreSQL is away.')
    }
    const { app } = lightApi({ jobs: { depth } })
    const metrics = await app.inject('/metrics')
    expect(metrics.statusCode).toBe(200)
    expect(metrics.body).not.toMatch(/^biwa_schedules/m)
    expect((await app.inject({ url: '/api/v1/status', headers: key })).json()).toMatchObject({ jobs: null })
  })
})

it('shows its front page and its document', async () => {
  const { app } = lightApi()
  expect((await app.inject('/')).body).toContain('/api/v1/openapi.json')
  const document = (await app.inject('/api/v1/openapi.json')).json<{ paths: object }>()
  expect(Object.keys(document.paths)).toContain('/api/v1/jobs/{job}/result')
})

it('has a route for every operation', async () => {
  const { app } = lightApi()
  await app.ready()
  for (const { method, path, body } of operations) {
    const url = `/api/v1${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
    expect([url, app.hasRoute({ method, url })]).toEqual([url, true])
    expect(body === undefined || isBytesBody(body) || 'safeParse' in body).toBe(true)
  }
  expect(Object.keys(principals)).toHaveLength(3)
})
