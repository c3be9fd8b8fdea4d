import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { AppSender } from '../support/app-sender.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { untilMore } from '../support/progress.ts'
import { queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 4)

let biwa: Biwa

beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

it(`takes every event of an app exactly once over ${kills} kills of api and worker`, async () => {
  const stop = new AbortController()
  const senders = Array.from({ length: 3 }, () => new AppSender(`${biwa.url}/app/killed`, biwa.apiKey))
  const runs = senders.map((sender) => sender.run(stop.signal))
  const receipts = (): number => senders.reduce((sum, sender) => sum + sender.acknowledged.size, 0)
  for (let round = 0; round < kills; round += 1) {
    await untilMore(receipts)
    await sleep(500 + Math.random() * 1000)
    strikeDead(await processOf(round % 2 === 0 ? 'api' : 'worker'))
  }
  await sleep(1000)
  stop.abort()
  await Promise.all(runs)

  const acknowledged = senders.flatMap((sender) => [...sender.acknowledged])
  const repeated = senders.flatMap((sender) => [...sender.repeated])
  console.log(`${acknowledged.length} events acknowledged, ${repeated.length} of them sent more than once`)
  expect(repeated.length).toBeGreaterThan(0)
  const counted = 'select count(distinct uuid), count(*) from app.killed'
  let counts: readonly number[] = []
  // Its first import makes the table, and its columns when it is done.
  const arrived = async () => {
    counts = ((await queryRows(biwa, counted).catch(() => []))[0] ?? []).map(Number)
    return counts[0] ?? 0
  }
  await expect.poll(arrived, { interval: 200, timeout: 240_000 }).toBeGreaterThanOrEqual(acknowledged.length)
  expect(counts).toEqual([acknowledged.length, acknowledged.length])
})

async function processOf(role: 'api' | 'worker'): Promise<number> {
  for (;;) {
    const found = descendants(must(biwa.supervisor.pid, 'it runs')).find(({ command }) =>
      command.includes(`roles/${role}.js`),
    )
    if (found !== undefined) return found.pid
    await sleep(50)
  }
}
