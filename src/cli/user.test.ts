import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { scriptedServer } from './testing/scripted-server.ts'
import type { ScriptedServer } from './testing/scripted-server.ts'

const ada = { id: 7, email: 'ada@example.com', name: 'Ada', role: 'member', created_at: '' }

let server: ScriptedServer
beforeEach(async () => {
  server = await scriptedServer(({ method }) =>
    method === 'GET' ? { body: { items: [ada], next_cursor: null } } : { status: 204 },
  )
})
afterEach(() => server.close())

async function biwa(words: readonly string[], input = '', interactive = false) {
  const terminal = fakeTerminal({ environment: { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef' }, input, interactive })
  const code = await run(words, terminal)
  return { code, output: terminal.output(), errors: terminal.errors() }
}

const sent = () => server.requests.map(({ method, path, body }) => `${method} ${path} ${body.toString()}`.trim()).at(-1)

describe('biwa user password', () => {
  test('sets what is typed or piped, to the space, and never shows it', async () => {
    const piped = await biwa(['user', 'password', 'Ada@example.com'], ' correct horse \n')
    expect(piped).toEqual({ code: 0, output: '', errors: 'ada@example.com has a new password.\n' })
    expect(sent()).toBe('PUT /api/v1/users/7/password {"password":" correct horse "}')
    const typed = await biwa(['user', 'password', '7'], 'correct horse\n', true)
    expect(typed.errors).toBe('New password of ada@example.com: \nada@example.com has a new password.\n')
  })

  test('takes it away', async () => {
    const { errors } = await biwa(['user', 'password', '7', '--remove'])
    expect(errors).toBe('ada@example.com has no password any more.\n')
    expect(sent()).toBe('DELETE /api/v1/users/7/password')
  })
})
