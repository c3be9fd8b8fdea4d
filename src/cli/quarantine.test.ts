import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ReceivedRequest, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let folder: string
let answer: (request: ReceivedRequest, number: number) => unknown
beforeEach(async () => {
  server = await scriptedServer((request, number) => ({ body: answer(request, number) }))
  folder = await mkdtemp(join(tmpdir(), 'biwa-cli-'))
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function biwa(...words: readonly string[]) {
  const environment = { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef', EDITOR: `sed -i s/old/new/` }
  const terminal = fakeTerminal({ environment })
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const bodies = () =>
  server.requests
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => JSON.parse(String(body)) as Record<string, unknown>)
const done = { matched: 0, changed: 0, too_large: 0, next: null }

describe('biwa quarantine fix', () => {
  test('goes on until all were looked at', async () => {
    answer = (_request, number) => (number < 3 ? { matched: 5, changed: 4, too_large: 1, next: number * 10 } : done)
    const { code, errors } = await biwa(
      ...'quarantine fix web.logs --reason time --find a --put b --find c --put d'.split(' '),
    )
    expect(code).toBe(0)
    expect(bodies().map(({ after }) => after)).toEqual([0, 10, 20])
    expect(bodies()[0]).toMatchObject({
      reason: 'time',
      dry_run: false,
      edits: [
        { find: 'a', replace: 'b', as: 'text' },
        { find: 'c', replace: 'd', as: 'text' },
      ],
    })
    expect(errors).toContain('Mended 8 of 10 records.')
    expect(errors).toContain('biwa quarantine replay web.logs')
  })

  test('takes new bytes from a file or an editor, for one record', async () => {
    answer = ({ method }) => (method === 'GET' ? 'the old bytes' : done)
    const file = join(folder, 'record')
    await writeFile(file, 'from a file')
    expect((await biwa('quarantine', 'fix', 'web.logs', '7', '--with', file)).code).toBe(0)
    expect((await biwa('quarantine', 'fix', 'web.logs', '7', '--edit')).code).toBe(0)
    const texts = bodies().map(({ raw }) => Buffer.from(String(raw), 'base64').toString())
    expect(texts).toEqual(['from a file', expect.stringContaining('the new bytes')])
    expect((await biwa('quarantine', 'fix', 'web.logs', '7', '8', '--edit')).code).toBe(exitCodes.usage)
  })

  test.each([
    [['fix', 'web.logs', '--find', 'a', '--put', 'b'], '--reason'],
    [['replay', 'web.logs'], '--all'],
    [['delete', 'web.logs', '--yes'], '--body'],
    [['fix', 'web.logs', '--all', '--find', 'a'], '--put'],
    [['replay', 'web.logs', 'seven'], 'seven'],
  ])('asks which records before it asks the server: %j', async (words, hint) => {
    const { code, errors } = await biwa('quarantine', ...words)
    expect(code).toBe(exitCodes.usage)
    expect(errors).toContain(hint)
    expect(server.requests).toEqual([])
  })
})

describe('biwa quarantine', () => {
  test('replays, and tells what became of the records', async () => {
    const replay = { released: 3, returned: 1, passed_over: 2, rows: 3 }
    answer = () => ({ id: 5, kind: 'replay', state: 'success', error: null, query: null, replay })
    const { code, errors } = await biwa('quarantine', 'replay', 'web.logs', '--all')
    expect(code).toBe(0)
    expect(errors).toContain('3 records left the quarantine, with 3 rows. 1 record could not be read this time either.')
    expect(errors).toContain('2 records')
  })

  test('deletes until there are none', async () => {
    answer = (_request, number) => ({ deleted: number < 3 ? 5000 : 0 })
    const { code, errors } = await biwa('quarantine', 'delete', 'web.logs', '--body', 'x', '--yes')
    expect([code, errors]).toEqual([0, expect.stringContaining('Deleted 10,000 records')])
  })

  test('shows bytes as they are, or as digits', async () => {
    const item = {
      id: 7,
      unique_id: 'x',
      record_number: 3,
      reason: 'time',
      detail: 'none',
      history: [],
      format: 'json',
    }
    answer = ({ path }) => (path.endsWith('/bytes') ? 'bytes' : item)
    expect((await biwa('quarantine', 'show', 'web.logs', '7')).output).toBe('"bytes"')
    expect((await biwa('quarantine', 'show', 'web.logs', '7', '--hex')).output).toMatch(
      /^00000000 {2}22 62 79 74 65 73 22 +"bytes"\n$/,
    )
  })
})
