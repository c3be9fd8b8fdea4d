import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let problems: readonly Record<string, unknown>[]
beforeEach(async () => {
  server = await scriptedServer(() => {
    const verification = { tables: 1, chunks: 12, bytes: 5000, problem_count: problems.length, problems }
    return { body: { id: 7, kind: 'verify', state: 'success', error: null, query: null, progress: null, verification } }
  })
})
afterEach(() => server.close())

async function verify(...words: readonly string[]) {
  const terminal = fakeTerminal({ environment: { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef' } })
  const code = await run(['verify', ...words], terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const problem = (outcome: string) => ({
  database: 'web',
  table: 'logs',
  chunk: 'c1',
  object_key: 'chunks/1/2/c1.parquet',
  what: 'checksum',
  detail: 'its checksum is another',
  byte: null,
  outcome,
})

describe('biwa verify', () => {
  test('says that all is well', async () => {
    problems = []
    const { code, output, errors } = await verify('web.logs', '--sample', '5', '--repair')
    expect([code, output]).toEqual([0, ''])
    expect(errors).toContain('Read 12 chunks of 1 table, 5.0 kB.\nAll is as it was written.')
    const [submitted] = server.requests
    expect(submitted).toMatchObject({ method: 'POST', path: '/api/v1/verifications' })
    expect(JSON.parse(String(submitted?.body))).toEqual({ database: 'web', table: 'logs', repair: true, sample: 5 })
  })

  test.each([
    ['reported', 9, 'biwa verify --repair mends'],
    ['set_aside', 9, '1 problem of 1 found and not mended'],
    ['merged_again', 0, '1 problem found, and mended.'],
  ])('lists what was found and %s, and exits with %d', async (outcome, expected, said) => {
    problems = [problem(outcome)]
    const { code, output, errors } = await verify()
    expect(code).toBe(expected)
    expect(output).toContain(`web\tlogs\tc1\tchecksum\tits checksum is another\t\t${outcome}\tchunks/1/2/c1.parquet`)
    expect(errors).toContain(said)
  })

  test('prints one object of JSON', async () => {
    problems = [problem('reported')]
    const { code, output } = await verify('--json')
    expect(code).toBe(9)
    expect(JSON.parse(output)).toMatchObject({ chunks: 12, problem_count: 1, problems: [{ chunk: 'c1' }] })
  })

  test.each(['a.b.c', '.b', 'a.'])('refuses %j as a name', async (name) => {
    problems = []
    expect((await verify(name)).code).toBe(2)
    expect(server.requests).toEqual([])
  })
})
