import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { ForwardSender, rowsPerChunk } from '../support/forward-sender.ts'
import { freePort } from '../support/free-port.ts'
import { untilMore } from '../support/progress.ts'
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
  const chunks = (): number => senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  for (let round = 0; round < kills; round += 1) {
    await untilMore(chunks)
    await sleep(Math.random() * 1000)
    strikeDead(await apiProcess())
  }
  await sleep(1000)
  stop.abort()
  await Promise.all(runs)

  const sent = senders.flatMap(({ acknowledged }) => [...acknowledged])
  const repeated = senders.flatMap((sender) => [...sender.repeated])
  expect(repeated.length).toBeGreaterThan(0)
  const counted = 'select chunk, count(*), count(distinct n) from web.killed group by chunk'
  let rows: readonly (readonly unknown[])[] = []
  // Until a first chunk is converted, the table has no such column.
  const arrived = async () => (rows = await queryRows(biwa, counted).catch(() => [])).length
  await expect.poll(arrived, { interval: 200, timeout: 240_000 }).toBeGreaterThanOrEqual(sent.length)
  console.log(`${sent.length} chunks acknowledged, ${repeated.length} of them sent more than once`)
  expect(new Set(rows.map(([chunk]) => chunk))).toEqual(new Set(sent))
  for (const [, count, distinct] of rows) {
    expect([Number(count), Number(distinct)]).toEqual([rowsPerChunk, rowsPerChunk])
  }
})

async function apiProcess(): Promise<number> {
  for (;;) {
    const found = descendants(must(biwa.supervisor.pid, 'it runs')).find(({ command }) =>
      /roles\/api\.js/.test(command),
    )
    if (found !== undefined) return found.pid
    await sleep(50)
  }
}
