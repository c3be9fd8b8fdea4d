import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { entry, fluentdMessage } from '../../src/protocols/fluent/testing/wire.ts'
import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { ForwardSender, rowsPerChunk } from '../support/forward-sender.ts'
import { freePort } from '../support/free-port.ts'
import { untilMore } from '../support/progress.ts'
import { queryRows } from '../support/query.ts'
import type { Row } from '../support/query.ts'

let biwa: Biwa
let forwardPort: number
let httpPort: number
const folder = mkdtempSync(join(tmpdir(), 'biwa-fluent-'))

beforeAll(async () => {
  forwardPort = await freePort()
  httpPort = await freePort()
  const first = await startBiwa({ dataDirectory: folder })
  await first.stop({ keep: true })
  const configuration = join(folder, 'fluent.toml')
  writeFileSync(configuration, '[[routes]]\ntags = "rolling.**"\ntable = "web.${tag[1]}"\n')
  biwa = await startBiwa({
    dataDirectory: folder,
    arguments: [
      `--fluent-port=${forwardPort}`,
      `--fluent-api-key=${first.apiKey}`,
      `--fluent-configuration=${configuration}`,
      `--fluent-http-port=${httpPort}`,
    ],
  })
})
afterAll(async () => {
  await biwa.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function rowsOf(statement: string, count: number) {
  let rows: readonly Row[] = []
  const arrived = async () => (rows = await queryRows(biwa, statement).catch(() => [])).length
  await expect.poll(arrived, { interval: 200 }).toBeGreaterThanOrEqual(count)
  return rows
}

describe('a server with Fluentd’s doors', () => {
  it('goes on over a rolling restart: every chunk is there, once', async () => {
    const stop = new AbortController()
    const senders = ['a', 'b'].map((name) => new ForwardSender(forwardPort, 'rolling.chunks', name))
    const runs = senders.map((sender) => sender.run(stop.signal))
    const chunks = (): number => senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
    await untilMore(chunks)
    await sleep(1000)
    biwa.supervisor.kill('SIGHUP')
    while (!biwa.output().includes('has restarted its roles')) await sleep(50)
    // All have gone from the old process to the new one, which takes some more.
    await expect.poll(() => senders.every(({ connections }) => connections > 1)).toBe(true)
    await untilMore(chunks)
    await sleep(1000)
    stop.abort()
    await Promise.all(runs)
    const sent = senders.flatMap(({ acknowledged }) => [...acknowledged])
    const rows = await rowsOf('select chunk, count(*) from web.chunks group by chunk', sent.length)
    expect(rows.map(([chunk]) => String(chunk)).toSorted()).toEqual(sent.toSorted())
    expect(rows.every(([, count]) => Number(count) === rowsPerChunk)).toBe(true)
  })

  it('takes in_http on a port of its own, as the key of the settings', async () => {
    const response = await fetch(`http://127.0.0.1:${httpPort}/rolling.posted`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}',
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect((await rowsOf('select n from web.posted', 1)).length).toBe(1)
  })

  it('says afterwards what it refused, and why', async () => {
    const socket = connect(forwardPort, '127.0.0.1')
    socket.write(fluentdMessage('rolling.', entry(1, { n: 1 }), { chunk: 'refused' }))
    await once(socket, 'close')
    const told = async (): Promise<string | undefined> => {
      const response = await biwa.request('/api/v1/rejections?door=forward')
      const { items } = (await response.json()) as { items: { reason: string; detail: string }[] }
      return items.find(({ reason }) => reason === 'invalid_name')?.detail
    }
    await expect.poll(told, { interval: 200 }).toContain('rolling.')
  })

  it('counts what came', async () => {
    const metrics = await (await biwa.request('/metrics')).text()
    expect(metrics).toMatch(/biwa_ingest_requests_total\{door="forward",outcome="accepted"\} [1-9]/)
    expect(metrics).toMatch(/biwa_forward_acks_total [1-9]/)
    expect(metrics).toMatch(/biwa_ingest_requests_total\{door="in_http",outcome="accepted"\} 1/)
  })
})
