import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { run } from './run.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'
import { problem, scriptedServer } from './testing/scripted-server.ts'
import type { ScriptedAnswer, ScriptedServer } from './testing/scripted-server.ts'

let server: ScriptedServer
let answer: ScriptedAnswer
beforeEach(async () => {
  answer = { body: { name: 'logs' } }
  server = await scriptedServer(() => answer)
})
afterEach(() => server.close())

async function alter(...words: readonly string[]) {
  const environment = { BIWA_URL: server.url, BIWA_API_KEY: '1/abcdef', BIWA_DATABASE: 'demo' }
  const terminal = fakeTerminal({ environment })
  const code = await run(['table', 'alter', ...words], terminal)
  const sent = server.requests.map(({ method, path, body }) => [
    `${method} ${path.replace('/api/v1/databases/', '')}`,
    body.length === 0 ? undefined : (JSON.parse(body.toString()) as unknown),
  ])
  return { code, sent: sent.at(-1), errors: terminal.errors() }
}

describe('biwa table alter', () => {
  test('adds, retypes and renames a column', async () => {
    expect(await alter('logs', 'add', 'price', 'decimal(10,2)')).toEqual({
      code: 0,
      sent: ['POST demo/tables/logs/columns', { name: 'price', type: 'decimal(10,2)' }],
      errors: 'The column price of demo.logs is there.\n',
    })
    expect(await alter('other.logs', 'type', 'a/b', 'varchar')).toMatchObject({
      sent: ['PATCH other/tables/logs/columns/a%2Fb', { type: 'varchar' }],
      errors: 'The column a/b of other.logs is now varchar.\n',
    })
    expect(await alter('logs', 'rename', 'a', 'b')).toMatchObject({
      sent: ['PATCH demo/tables/logs/columns/a', { name: 'b' }],
    })
  })

  test('drops a column after it was agreed to', async () => {
    answer = { status: 204 }
    expect(await alter('logs', 'drop', 'a')).toMatchObject({
      code: 2,
      sent: undefined,
      errors: expect.stringContaining('Add --yes') as string,
    })
    expect(await alter('logs', 'drop', 'a', '-y')).toMatchObject({
      code: 0,
      sent: ['DELETE demo/tables/logs/columns/a', undefined],
      errors: 'The column a of demo.logs is gone.\n',
    })
  })

  test('says what it lacks, and what the server found', async () => {
    for (const words of [
      ['add', 'a'],
      ['type', 'a'],
      ['rename', 'a'],
      ['drop', 'a', 'b'],
      ['remove', 'a'],
    ]) {
      expect(await alter('logs', ...words)).toMatchObject({ code: 2, sent: undefined })
    }
    answer = problem(404, 'column_not_found')
    expect(await alter('logs', 'rename', 'a', 'b')).toMatchObject({ code: 4 })
  })
})
