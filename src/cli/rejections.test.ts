import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let items: readonly object[]
beforeEach(async () => {
  server = await scriptedServer(() => ({ body: { items, next_cursor: null } }))
})
afterEach(() => server.close())

async function biwa(...words: readonly string[]) {
  const terminal = fakeTerminal({ environment: { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef' } })
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

describe('biwa rejections', () => {
  test('shows what was rejected, by key and door', async () => {
    items = [{ last_at: 'then', kind: 'request', count: 3, reason: 'forbidden', door: 'import', key_hint: null }]
    const { code, output } = await biwa('rejections', '--minutes', '60', '--key', '…1f0c', '-f', 'ndjson')
    expect(code).toBe(0)
    expect(JSON.parse(output)).toMatchObject({ count: 3, reason: 'forbidden', key_hint: null })
    const query = server.requests[0]?.query ?? []
    expect(Object.fromEntries(query)).toMatchObject({ minutes: '60', key: '…1f0c' })
  })

  test('says that there is nothing', async () => {
    items = []
    const { code, errors } = await biwa('rejections')
    expect([code, errors]).toEqual([0, expect.stringContaining('Nothing was rejected in the last 10 minutes')])
  })
})
