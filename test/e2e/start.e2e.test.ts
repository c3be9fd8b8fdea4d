import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { sql } from '../../src/base/postgres/postgres.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { openTestDatabase } from '../support/postgres.ts'

const main = resolve(import.meta.dirname, '../../dist/cli/main.js')
const directory = mkdtempSync(join(tmpdir(), 'biwa-start-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Starts a server that is expected to give up, and answers with what it said. */
async function failedStart(flags: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, 'serve', '--no-sample', ...flags], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
  const code = await new Promise<number | null>((ended) => child.once('close', ended))
  return { code, stderr }
}

/** One sentence (and a hint) for people: not a stack, not a log line. */
function expectSentence({ code, stderr }: { code: number | null; stderr: string }, words: RegExp): void {
  expect(stderr).toMatch(words)
  expect(code).toBeGreaterThan(0)
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
  expect(stderr).not.toMatch(/^\s+at /m)
}

it('is a command that the build leaves ready to run, as npx does', () => {
  expect(execFileSync(main, ['--version'], { encoding: 'utf8' })).toMatch(/\d+\.\d+\.\d+/)
})

describe('a start that cannot work', () => {
  let running: Biwa
  beforeAll(async () => {
    running = await startBiwa({ dataDirectory: join(directory, 'running') })
  })
  afterAll(() => running.stop())

  it('refuses a data directory that another server holds', async () => {
    expectSentence(await failedStart(['--data-dir', running.dataDirectory, '--port', '0']), /already/)
  })

  it('refuses a busy port', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((listening) => busy.once('listening', listening))
    const { port } = busy.address() as AddressInfo
    expectSentence(
      await failedStart(['--data-dir', join(directory, 'busy'), '--port', String(port)]),
      new RegExp(`${port}`),
    )
    busy.close()
  })

  it('refuses a data directory that cannot be written', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expectSentence(await failedStart(['--data-dir', join(file, 'data'), '--port', '0']), /data directory/i)
  })

  it('refuses a PostgreSQL that does not answer', async () => {
    const flags = ['--data-dir', join(directory, 'dead'), '--port', '0']
    const dead = { BIWA_DATABASE_URL: 'postgres://biwa@127.0.0.1:1/biwa' }
    expectSentence(await failedStart(flags, dead), /PostgreSQL/)
  })

  it('refuses a database of a newer version', async () => {
    const database = await openTestDatabase()
    await database.postgres.query(
      sql`insert into schema_migrations (version, name, checksum) values (9999, 'from_the_future', 'x')`,
    )
    const flags = ['--data-dir', join(directory, 'newer'), '--port', '0']
    expectSentence(await failedStart(flags, { BIWA_DATABASE_URL: database.url }), /newer/)
    await database.close()
  })

  it('refuses a setting that makes no sense', async () => {
    expectSentence(await failedStart(['--port', 'eighty']), /--port/)
  })
})

describe('an end', () => {
  it('stops everything on Ctrl-C, and starts again on the same directory', async () => {
    const dataDirectory = join(directory, 'again')
    const first = await startBiwa({ dataDirectory })
    const processes = descendants(first.supervisor.pid ?? 0)
    expect(processes.length).toBeGreaterThan(4)
    first.supervisor.kill('SIGINT')
    const code = await new Promise((ended) => first.supervisor.once('exit', ended))
    expect(code).toBe(0)
    expect(processes.filter(({ pid }) => isAlive(pid))).toEqual([])
    const second = await startBiwa({ dataDirectory })
    expect(second.apiKey).toBe(first.apiKey)
    await second.stop()
  })

  it('serves on when its supervisor is killed, and has its processes replaced by the next start', async () => {
    const dataDirectory = join(directory, 'killed')
    const first = await startBiwa({ dataDirectory })
    const processes = descendants(first.supervisor.pid ?? 0)
    first.supervisor.kill('SIGKILL')
    await once(first.supervisor, 'exit')
    expect((await first.request('/api/v1/databases', { method: 'POST', body: '{"name":"orphaned"}' })).status).toBe(201)
    const second = await startBiwa({ dataDirectory, port: Number(new URL(first.url).port) })
    expect((await second.request('/api/v1/databases')).status).toBe(200)
    await expect.poll(() => processes.filter(({ pid }) => isAlive(pid))).toEqual([])
    await second.stop()
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
