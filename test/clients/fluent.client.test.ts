import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

import { EventTime, FluentClient } from '@fluent-org/logger'
import type { EventModes } from '@fluent-org/logger'
import logger from 'fluent-logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openForward } from '../../src/protocols/fluent/testing/open-forward.ts'
import type { Forward } from '../../src/protocols/fluent/testing/open-forward.ts'
import { clientsPython } from './python.ts'
import { recipe } from './recipes.ts'

const run = promisify(execFile)

const tls = resolve(import.meta.dirname, '../../src/protocols/fluent/testing/tls')
const certificatePath = join(tls, 'certificate.pem')
const certificate = readFileSync(certificatePath)
const key = readFileSync(join(tls, 'key.pem'))

/** Whoever reaches it may write. */
let open: Forward
/** With TLS, a shared key, and API keys as user names. */
let guarded: Forward
/** Programs of recipes, where they find the packages of this folder. */
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(resolve(import.meta.dirname, '../../node_modules/.recipes-'))
  open = await openForward()
  guarded = await openForward({ sharedKey: 'our secret', tls: { cert: certificate, key } }, open.parts)
})
afterAll(async () => {
  expect([...open.bugs, ...guarded.bugs]).toEqual([])
  await guarded.close()
  await open.close()
  rmSync(folder, { recursive: true, force: true })
})

const quiet = { info: () => {}, error: () => {} }

const security = () => ({
  clientHostname: 'client',
  sharedKey: 'our secret',
  username: guarded.apiKey,
  password: 'any',
})

/** Its own types leave out some options and methods that its manual has. */
interface Sender {
  emit(label: string, record: object, callback?: (error?: Error) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  end(): void
}
const createSender = logger.createFluentSender as unknown as (tag: string, options: object) => Sender

describe('fluent-logger (npm)', () => {
  async function emitAll(options: object, table: string, count: number): Promise<void> {
    const sender = createSender('npm', {
      host: 'localhost',
      timeout: 10,
      reconnectInterval: 100,
      ...options,
    })
    const emitted = Array.from(
      { length: count },
      (_, n) =>
        new Promise<void>((done, fail) => {
          sender.emit(table, { n, text: 'é' }, (error?: Error) => (error ? fail(error) : done()))
        }),
    )
    await Promise.all(emitted)
    sender.end()
  }

  it.each(['Message', 'PackedForward', 'CompressedPackedForward'] as const)(
    'sends in the mode %s, with acks',
    async (mode) => {
      const table = mode.toLowerCase()
      await emitAll({ port: open.port, eventMode: mode, requireAckResponse: true, milliseconds: true }, table, 50)
      const rows = await open.rowsOf(`select n, text, time from npm.${table} order by n`, 50)
      expect(rows.length).toBe(50)
      expect(rows.every(([, text]) => text === 'é')).toBe(true)
      expect(Math.abs(Number(rows[0]?.[2]) - Date.now() / 1000)).toBeLessThan(3600)
    },
  )

  it('sends over TLS with a shared key', async () => {
    const tlsOptions = { ca: certificate }
    await emitAll(
      { port: guarded.port, tls: true, tlsOptions, security: security(), requireAckResponse: true },
      'tls',
      5,
    )
    expect((await open.rowsOf('select n from npm.tls', 5)).length).toBe(5)
  })

  it('hears of a wrong key, and nothing of it arrives', async () => {
    const wrong = { ...security(), sharedKey: 'another' }
    const sender = createSender('npm', {
      host: 'localhost',
      internalLogger: quiet,
      port: guarded.port,
      tls: true,
      tlsOptions: { ca: certificate },
      security: wrong,
      enableReconnect: false,
    })
    const refused = new Promise<Error>((hear) => sender.on('error', hear))
    sender.emit('wrong', { n: 1 })
    expect((await refused).message).toMatch(/shared key is another/)
    expect(guarded.refusals.at(-1)?.code).toBe('unauthenticated')
  })
})

describe('@fluent-org/logger', () => {
  const modes: EventModes[] = ['Message', 'Forward', 'PackedForward', 'CompressedPackedForward']

  it.each(modes)('sends in the mode %s, with acks', async (eventMode) => {
    const client = new FluentClient('org', {
      eventMode,
      socket: { host: 'localhost', port: open.port },
      ack: { ackTimeout: 20_000 },
      milliseconds: true,
    })
    const table = eventMode.toLowerCase()
    const time = new EventTime(1_700_000_000, 123_456_000)
    await Promise.all(Array.from({ length: 50 }, (_, n) => client.emit(table, { n, list: [n, { deep: true }] }, time)))
    await client.disconnect()
    const rows = await open.rowsOf(`select n, time_us, list from org.${table} order by n`, 50)
    expect(rows.length).toBe(50)
    expect(rows.map(([, time_us]) => String(time_us)).every((text) => text === '1700000000123456')).toBe(true)
    expect(rows[7]?.[2]).toBe('[7,{"deep":true}]')
  })

  it('sends over TLS with a shared key', async () => {
    const client = new FluentClient('org', {
      socket: { host: 'localhost', port: guarded.port, tls: { ca: certificate } },
      security: security(),
      ack: { ackTimeout: 20_000 },
    })
    await client.emit('tls', { n: 1 })
    await client.disconnect()
    expect((await open.rowsOf('select n from org.tls', 1)).length).toBe(1)
  })
})

describe('recipes', () => {
  const own = () => ({
    'biwa.example': 'localhost',
    '24224': String(guarded.port),
    'YOUR-SHARED-KEY': 'our secret',
    'YOUR-API-KEY': guarded.apiKey,
  })

  async function runNode(client: string): Promise<void> {
    const program = join(folder, `${client}.mjs`)
    writeFileSync(program, recipe(client, 'js', own()))
    await run(process.execPath, [program], { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificatePath } })
  }

  it('of fluent-logger for Node', async () => {
    await runNode('fluent-logger-node')
    expect((await open.rowsOf('select path from web.access', 1))[0]).toEqual(['/'])
  })

  it('of @fluent-org/logger', async () => {
    await runNode('fluent-org-logger')
    expect((await open.rowsOf('select path from web.clicks', 1))[0]).toEqual(['/'])
  })

  it('of fluent-logger for Python', async () => {
    const program = recipe('fluent-logger-python', 'python', {
      'biwa.example': 'localhost',
      '24224': String(open.port),
    })
    await run(await clientsPython(), ['-c', program])
    const [row] = await open.rowsOf('select plan, time_us from web.signups', 1)
    expect(row?.[0]).toBe('free')
    expect(Number(row?.[1])).toBeGreaterThan(1e15)
  })
})
