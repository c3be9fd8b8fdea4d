import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { external } from '../support/external.ts'
import { queryRows } from '../support/query.ts'

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

const importPath = (table: string, query = '') => `/api/v1/databases/test/tables/${table}/import?${query}`

async function problem(response: Response) {
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  return (await response.json()) as { status: number; code: string; detail: string; request_id: string; hint?: string }
}

describe('bad input has a clear answer', () => {
  const cases: [what: string, path: string, init: RequestInit, status: number, code: string][] = [
    ['no key', importPath('t'), { method: 'POST', body: '{}', headers: { authorization: '' } }, 401, 'unauthenticated'],
    [
      'a wrong key',
      importPath('t'),
      { method: 'POST', body: '{}', headers: { authorization: 'Bearer 1/00' } },
      401,
      'unauthenticated',
    ],
    ['a bad table name', importPath('Bad-Name', 'format=ndjson'), { method: 'POST', body: '{}' }, 400, 'invalid_name'],
    ['an unknown format', importPath('t', 'format=xml'), { method: 'POST', body: '<a/>' }, 415, 'unsupported_format'],
    [
      'an unknown encoding',
      importPath('t', 'format=ndjson'),
      { method: 'POST', body: 'x', headers: { 'content-encoding': 'lzma' } },
      415,
      'unsupported_encoding',
    ],
    [
      'a corrupted gzip',
      importPath('t', 'format=ndjson&wait=visible&wait_seconds=240'),
      { method: 'POST', body: 'not gzip', headers: { 'content-encoding': 'gzip' } },
      422,
      'body_malformed',
    ],
    [
      'a body that is too large',
      importPath('t', 'format=ndjson'),
      { method: 'POST', body: 'x'.repeat(65 << 20) },
      413,
      'body_too_large',
    ],
    [
      'a bomb',
      importPath('t', 'format=ndjson&wait=visible&wait_seconds=240'),
      { method: 'POST', body: gzipSync(Buffer.alloc(600 << 20, 32)), headers: { 'content-encoding': 'gzip' } },
      413,
      'inflate',
    ],
    ['an unknown database', '/api/v1/databases/nowhere', {}, 404, 'database_not_found'],
    ['a query without SQL', '/api/v1/queries', { method: 'POST', body: '{}' }, 400, 'invalid_request'],
    ['broken JSON', '/api/v1/queries', { method: 'POST', body: '{' }, 400, 'invalid_request'],
    ['an unknown path', '/api/v1/nothing', {}, 404, 'route_not_found'],
  ]

  it.each(cases)('%s', async (_what, path, init, status, code) => {
    const response = await biwa.request(path, init)
    const body = await problem(response)
    expect(body.code).toContain(code)
    expect(response.status).toBe(status)
    expect(body.detail.length).toBeGreaterThan(10)
    expect(body.request_id).not.toBe('')
  })

  it('says which records were quarantined, and keeps them', async () => {
    const body = '{"n":1}\n{"n":\n{"n":3}\n'
    const response = await biwa.request(importPath('partly', 'format=ndjson&wait=visible&wait_seconds=240'), {
      method: 'POST',
      body,
    })
    expect(await response.json()).toMatchObject({ accepted: 2, quarantined: 1, duplicate: false })
    const list = await biwa.request('/api/v1/databases/test/tables/partly/quarantine')
    expect(await list.json()).toMatchObject({ items: [{ reason: 'json_syntax' }] })
    expect(await queryRows(biwa, 'select sum(n) from partly')).toEqual([[4]])
  })
})

describe('a slow client', () => {
  it('is cut off with a 408 while others are served', async () => {
    const { hostname, port } = new URL(biwa.url)
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (part) => (answer += part.toString()))
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(
      `POST ${importPath('slow', 'format=ndjson')} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${biwa.apiKey}\r\ncontent-length: 1000\r\n\r\n{`,
    )
    expect((await biwa.request('/api/v1/databases')).status).toBe(200)
    await closed
    expect(answer).toMatch(/^HTTP\/1.1 408/)
  })
})

// An inbox of objects registers each body in PostgreSQL before it acknowledges: it promises nothing without it.
describe.skipIf(external)('a lost PostgreSQL', () => {
  it('keeps acknowledging imports, refuses queries with 503, and recovers by itself', async () => {
    const before = await biwa.request(importPath('lost', 'format=ndjson&wait=visible&wait_seconds=240'), {
      method: 'POST',
      body: '{"n":1}',
    })
    expect(before.status).toBe(200)
    const server = descendants(biwa.supervisor.pid ?? 0).find(({ command }) => /native\/bin\/postgres/.test(command))
    const postmaster = must(server, 'the supervisor has a PostgreSQL').pid
    process.kill(postmaster, 'SIGSTOP')
    try {
      for (const { pid, command } of descendants(postmaster)) if (command !== '') process.kill(pid, 'SIGSTOP')
      const during = await biwa.request(importPath('lost', 'format=ndjson'), { method: 'POST', body: '{"n":2}' })
      expect(during.status).toBe(202)
      const query = await biwa.request('/api/v1/queries', {
        method: 'POST',
        body: JSON.stringify({ sql: 'select 1', database: 'test' }),
      })
      expect(query.status).toBe(503)
      expect(query.headers.get('retry-after')).not.toBeNull()
      expect(await problem(query)).toMatchObject({ code: 'database_unavailable' })
    } finally {
      for (const { pid } of descendants(postmaster)) process.kill(pid, 'SIGCONT')
      process.kill(postmaster, 'SIGCONT')
    }
    const sum = () => queryRows(biwa, 'select sum(n) from lost').catch((error: unknown) => String(error))
    await expect.poll(sum, { interval: 200 }).toEqual([[3]])
  })
})
