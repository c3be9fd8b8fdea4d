import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import type { FakeTerminalOptions } from './testing/fake-terminal.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { problem, scriptedServer } from './testing/scripted-server.ts'
import type { ReceivedRequest, ScriptedAnswer, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let answers: (request: ReceivedRequest) => ScriptedAnswer
beforeEach(async () => {
  answers = () => problem(404, 'route_not_found')
  server = await scriptedServer((request) => answers(request))
})
afterEach(() => server.close())

async function biwa(words: readonly string[], options: FakeTerminalOptions = {}) {
  const environment = { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef', BIWA_DATABASE: 'demo' }
  const terminal = fakeTerminal({ ...options, environment })
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const sent = () =>
  server.requests.map(({ method, path, body }) => ({
    to: `${method} ${path.replace('/api/v1/databases/', '')}`,
    body: body.length === 0 ? undefined : (JSON.parse(body.toString()) as Record<string, unknown>),
  }))

const finished = (statement: string, rows: number) => ({
  body: { id: 7, state: 'success', query: { result: { statement, rows, downloadable: false } } },
})

describe('biwa table', () => {
  test('renames and swaps with keys, so that sending it again does no harm', async () => {
    answers = ({ path }) => (path.endsWith('rename') ? { body: { name: 'b' } } : { status: 204 })
    expect(await biwa(['table', 'rename', 'a', 'b'])).toMatchObject({ code: 0, errors: 'demo.a is now demo.b.\n' })
    expect((await biwa(['table', 'swap', 'a', 'other.c'])).errors).toBe('demo.a and other.c have changed names.\n')
    const key = expect.stringMatching(/^cli-/) as string
    expect(sent()).toEqual([
      { to: 'POST demo/tables/a/rename', body: { name: 'b', database: 'demo', idempotency_key: key } },
      { to: 'POST demo/tables/a/swap', body: { with: 'c', database: 'other', idempotency_key: key } },
    ])
  })

  test('deletes rows of a time, after it was agreed to', async () => {
    answers = ({ method }) => (method === 'POST' ? finished('delete', 12_345) : { body: { rows: 3 } })
    const words = ['table', 'delete', 'a', '--from', '2026-01-31', '--to', '1769900000']
    expect(await biwa(words)).toMatchObject({ code: 2, errors: expect.stringContaining('Add --yes') as string })
    expect(sent()).toEqual([])
    expect((await biwa([...words, '--yes'])).errors).toContain('Deleted 12,345 rows.\n')
    expect(sent()[0]?.body).toMatchObject({
      sql: 'delete from "demo"."a" where time >= 1769817600 and time < 1769900000',
    })
    expect((await biwa([...words, '--dry-run'])).errors).toContain('Would delete 12,345 rows.\n')
    expect(await biwa(['table', 'delete', 'a', '--from', '2026-01-31', '-y'])).toMatchObject({ code: 2 })
  })

  test('truncates, brings back and ends a history', async () => {
    answers = ({ path }) => {
      if (path.endsWith('/queries')) return finished('truncate', 3)
      return path.endsWith('purge_history') ? { body: { chunks: 2 } } : { body: { rows: 3 } }
    }
    expect((await biwa(['table', 'truncate', 'a', '-y'])).errors).toContain('Deleted 3 rows of demo.a.\n')
    expect((await biwa(['table', 'undrop', 'a'])).errors).toBe('demo.a is back, with 3 rows.\n')
    expect((await biwa(['table', 'forget', 'a', '-y'])).errors).toBe(
      'The history of demo.a is ended; 2 files will be removed.\n',
    )
    expect(sent().map(({ to }) => to)).toEqual([
      'GET demo/tables/a',
      'POST /api/v1/queries',
      'POST demo/tables/a/undrop',
      'POST demo/tables/a/purge_history',
    ])
  })

  test('sets properties', async () => {
    answers = () => ({ body: {} })
    const words = ['expire_days=never', 'history_hours=48', 'cluster_by=user_id, code', 'schema_mode=freeze']
    expect(await biwa(['table', 'set', 'a', ...words])).toMatchObject({ code: 0 })
    expect(sent()).toEqual([
      {
        to: 'PATCH demo/tables/a',
        body: { expire_days: null, history_hours: 48, cluster_by: ['user_id', 'code'], schema_mode: 'freeze' },
      },
    ])
    for (const word of ['expire_days=x', 'expire_days', 'colour=red']) {
      expect(await biwa(['table', 'set', 'a', word])).toMatchObject({ code: 2 })
    }
  })

  test('lists snapshots, and tells the difference between two', async () => {
    const totals = (rows: number) => ({ rows, bytes: rows, chunks: rows })
    const snapshot = {
      snapshot: 2,
      committed_at: '2026-01-01T00:00:00Z',
      operation: 'delete',
      cause: 'job:7',
      kept: true,
    }
    answers = ({ path }) =>
      path.endsWith('diff')
        ? {
            body: {
              from: 1,
              to: 2,
              operations: [{ operation: 'delete', commits: 1, added: totals(1), removed: totals(2) }],
              added: totals(1),
              removed: totals(2),
            },
          }
        : {
            body: {
              items: [{ ...snapshot, rows: 5, chunks: 1, added: totals(1), removed: totals(2) }],
              next_cursor: null,
            },
          }
    expect((await biwa(['table', 'snapshots', 'a'])).output).toBe(
      'snapshot\tcommitted_at\toperation\tcause\trows_added\trows_removed\trows\tchunks\tkept\n' +
        '2\t2026-01-01T00:00:00Z\tdelete\tjob:7\t1\t2\t5\t1\ttrue\n',
    )
    expect((await biwa(['table', 'diff', 'a', '2026-01-01', '2'])).output).toBe(
      'what\tcommits\trows_added\trows_removed\tchunks_added\tchunks_removed\n' +
        'delete\t1\t1\t2\t1\t2\n' +
        'difference\t1\t1\t2\t1\t2\n',
    )
    expect(Object.fromEntries(server.requests.at(-1)?.query ?? [])).toEqual({
      from: '2026-01-01T00:00:00.000Z',
      to: '2',
    })
    expect(await biwa(['table', 'diff', 'a', 'yesterday'])).toMatchObject({ code: 2 })
  })
})
