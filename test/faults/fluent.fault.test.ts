import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { decodeMulti } from '@msgpack/msgpack'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { entry, eventTime, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 6)
const rowsPerChunk = 20

let biwa: Biwa
let port: number

beforeAll(async () => {
  port = await freePort()
  // The key does not exist before the first start: until then clients name it themselves.
  biwa = await startBiwa({ arguments: [`--fluent-port=${port}`, '--fluent-shared-key=secret'] })
  const { apiKey, dataDirectory } = biwa
  await biwa.stop({ keep: true })
  biwa = await startBiwa({ dataDirectory, arguments: [`--fluent-port=${port}`, `--fluent-api-key=${apiKey}`] })
})
afterAll(() => biwa.stop())

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return free
}

/** Sends chunks until it is told to stop, several at a time, and each again until it is acknowledged, as Fluentd does. */
class Sender {
  readonly acknowledged = new Set<string>()
  readonly open = new Map<string, Buffer>()
  /** Chunks that were sent more than once. */
  readonly repeated = new Set<string>()
  readonly #name: string
  #next = 0

  constructor(name: string) {
    this.#name = name
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted || this.open.size > 0) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      const closed = once(socket, 'close').catch(() => {})
      await Promise.race([once(socket, 'connect').catch(() => {}), closed])
      if (!socket.destroyed) await this.#talk(socket, stop)
      socket.destroy()
      await sleep(100)
    }
  }

  async #talk(socket: Socket, stop: AbortSignal): Promise<void> {
    let received = Buffer.alloc(0)
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part])
      for (const { ack } of [...decodeMulti(received)] as { ack: string }[]) {
        this.acknowledged.add(ack)
        this.open.delete(ack)
      }
    })
    for (const [chunk, message] of this.open) {
      this.repeated.add(chunk)
      socket.write(message)
    }
    while (!socket.destroyed && (!stop.aborted || this.open.size > 0)) {
      while (this.open.size < 8 && !stop.aborted) socket.write(this.#newChunk())
      await sleep(5)
    }
  }

  #newChunk(): Buffer {
    const chunk = `${this.#name}-${this.#next++}\n`
    const entries = Array.from({ length: rowsPerChunk }, (_, n) => entry(eventTime(1_700_000_000, n), { chunk, n }))
    const message = fluentdMessage('web.killed', Buffer.concat(entries), { size: rowsPerChunk, chunk })
    this.open.set(chunk, message)
    return message
  }
}

it(`keeps every acknowledged chunk exactly once over ${kills} kills of the api process`, async () => {
  const stop = new AbortController()
  const senders = ['a', 'b', 'c'].map((name) => new Sender(name))
  const runs = senders.map((sender) => sender.run(stop.signal))
  for (let round = 0; round < kills; round += 1) {
    await sleep(500 + Math.random() * 1000)
    process.kill(await apiProcess(), 'SIGKILL')
  }
  await sleep(1000)
  stop.abort()
  await Promise.all(runs)

  const sent = senders.flatMap(({ acknowledged }) => [...acknowledged])
  const repeated = senders.flatMap((sender) => [...sender.repeated])
  expect(repeated.length).toBeGreaterThan(0)
  const counted = 'select chunk, count(*), count(distinct n) from web.killed group by chunk'
  let rows: readonly (readonly unknown[])[] = []
  for (let tries = 0; tries < 200 && rows.length < sent.length; tries += 1) {
    await sleep(200)
    rows = await queryRows(biwa, counted)
  }
  console.log(`${sent.length} chunks acknowledged, ${repeated.length} of them sent more than once`)
  expect(new Set(rows.map(([chunk]) => chunk))).toEqual(new Set(sent))
  for (const [, count, distinct] of rows) {
    expect([Number(count), Number(distinct)]).toEqual([rowsPerChunk, rowsPerChunk])
  }
}, 180_000)

async function apiProcess(): Promise<number> {
  for (;;) {
    const found = descendants(must(biwa.supervisor.pid, 'it runs')).find(({ command }) =>
      /roles\/api\.js/.test(command),
    )
    if (found !== undefined) return found.pid
    await sleep(50)
  }
}
