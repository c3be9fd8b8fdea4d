import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ReceivedRequest, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let answer: (request: ReceivedRequest, number: number) => unknown
beforeEach(async () => {
  server = await scriptedServer((request, number) => ({ body: answer(request, number) }))
})
afterEach(() => server.close())

async function biwa(...words: readonly string[]) {
  const terminal = fakeTerminal({ environment: { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef' } })
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const bodies = () => server.requests.map(({ body }) => JSON.parse(body.toString()) as unknown)
const nothing = { items: [], next_cursor: null }

describe('biwa job why', () => {
  const until = '2026-11-21T12:00:00.000Z'
  test.each([
    [{ reason: 'not_due', until, state: 'delayed' }, `not due until ${until}`],
    [{ reason: 'not_due', until, state: 'retry_wait' }, `tried again at ${until}`],
    [{ reason: 'no_worker', kind: 'query' }, 'No worker takes jobs of the kind query'],
    [{ reason: 'limit', key: 'kind:query', slots: 2, used: 2, wants: 1 }, 'kind:query is full: 2 of 2 slots'],
    [{ reason: 'limit', key: 'kind:query', slots: 2, used: 0, wants: 3 }, 'It takes 3 slots of the limit kind:query'],
    [{ reason: 'limit_paused', key: 'kind:query', until }, `paused until ${until}`],
    [{ reason: 'behind', ahead: 1, at_least: false }, '1 job goes first'],
    [{ reason: 'behind', ahead: 10_000, at_least: true }, 'At least 10000 jobs go first'],
    [{ reason: 'workers_busy', places: 4 }, 'All 4 places'],
    [{ reason: 'next' }, 'the next to begin'],
  ])('says in a sentence: %j', async (reason, sentence) => {
    answer = () => ({ id: 7, position: 3, reasons: [reason] })
    const { code, errors } = await biwa('job', 'why', '7')
    expect(code).toBe(0)
    expect(errors).toContain('Job 7 waits, number 3')
    expect(errors).toContain(sentence)
  })

  test('tells the state of a job that does not wait', async () => {
    answer = ({ path }) => (path.endsWith('/waiting') ? { id: 7, position: null, reasons: [] } : { state: 'success' })
    expect((await biwa('job', 'why', '7')).errors).toContain('does not wait: its state is success')
  })
})

describe('biwa job redrive', () => {
  test('asks which jobs before it asks the server', async () => {
    const { code, errors } = await biwa('job', 'redrive')
    expect(code).not.toBe(0)
    expect(errors).toContain('--fingerprint')
    expect(server.requests).toEqual([])
  })

  test('goes on while there are more, and only once when it is dry', async () => {
    answer = (_request, number) => ({ ids: [number], more: number < 3 })
    expect((await biwa('job', 'redrive', '--all')).errors).toContain('Queued 3 jobs again.')
    expect(bodies()).toEqual(Array(3).fill({ all: true, dry_run: false }))
    answer = () => ({ ids: [1], more: true })
    const dry = await biwa('job', 'redrive', '--kind', 'query', '--dry-run')
    expect(dry.errors).toContain('Would queue 1 job at first, and more after them again.')
    expect(bodies().at(-1)).toEqual({ kind: 'query', dry_run: true })
  })
})

describe('empty lists', () => {
  test.each([
    [['limit', 'list'], 'biwa limit set'],
    [['worker', 'list'], 'biwa serve'],
    [['job', 'dead'], 'No dead jobs'],
  ])('of %j say so', async (words, hint) => {
    answer = () => nothing
    const { code, errors } = await biwa(...words)
    expect(code).toBe(0)
    expect(errors).toContain(hint)
  })
})

describe('biwa limit', () => {
  test('sets, pauses, resumes and removes', async () => {
    const key = 'resource:2/a/b'
    answer = () => ({ key, slots: 3, used: 1, paused_until: null })
    expect((await biwa('limit', 'set', key, '3')).errors).toContain('3 slots, of which 1 are used')
    expect((await biwa('limit', 'pause', key, '--minutes', '5')).errors).toContain('is paused until')
    expect((await biwa('limit', 'resume', key)).errors).toContain('goes on')
    expect((await biwa('limit', 'remove', key)).errors).toContain('Removed')
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /api/v1/limits',
      'POST /api/v1/limits/pause',
      'POST /api/v1/limits/pause',
      'POST /api/v1/limits/remove',
    ])
    expect(bodies()).toMatchObject([{ key, slots: 3 }, { key }, { key, until: null }, { key }])
  })
})
