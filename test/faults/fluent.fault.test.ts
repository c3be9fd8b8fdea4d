import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { ForwardSender, freePort, rowsPerChunk } from '../support/forward-sender.ts'
import { queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 4)

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

it(`keeps every acknowledged chunk exactly once over ${kills} kills of the api process`, async () => {
  const stop = new AbortController()
  const senders = ['a', 'b', 'c'].map((name) => new ForwardSender(port, 'web.killed', name))
  const runs = senders.map((sender) => sender.run(stop.signal))
  for (let round = 0; round < kills; round += 1) {
    await anotherChunk(senders)
    await sleep(Math.random() * 1000)
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
    // Until a first chunk is converted, the table has no such column.
    rows = await queryRows(biwa, counted).catch(() => [])
  }
  console.log(`${sent.length} chunks acknowledged, ${repeated.length} of them sent more than once`)
  expect(new Set(rows.map(([chunk]) => chunk))).toEqual(new Set(sent))
  for (const [, count, distinct] of rows) {
    expect([Number(count), Number(distinct)]).toEqual([rowsPerChunk, rowsPerChunk])
  }
}, 180_000)

/** Waits until one more chunk is acknowledged, so that what is killed is a process that serves. */
async function anotherChunk(senders: readonly ForwardSender[]): Promise<void> {
  const count = (): number => senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  const before = count()
  while (count() === before) await sleep(20)
}

async function apiProcess(): Promise<number> {
  for (;;) {
    const found = descendants(must(biwa.supervisor.pid, 'it runs')).find(({ command }) =>
      /roles\/api\.js/.test(command),
    )
    if (found !== undefined) return found.pid
    await sleep(50)
  }
}
