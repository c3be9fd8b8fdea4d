import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { queryRows } from '../support/query.ts'

// The same things sent by several clients at the same time, again and again until each of them hears of success, while processes
// die: whatever has an id of its sender's is in its table once.

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 4)
const rowsPerBody = 20
/** Clients that send the same. */
const twins = 3

let biwa: Biwa
/** Ends the senders also when the test fails before it asks them to stop. */
const over = new AbortController()

beforeAll(async () => {
  biwa = await startBiwa()
  await untilGood('/api/v1/databases', { method: 'POST', body: JSON.stringify({ name: 'test', if_not_exists: true }) })
  for (const name of ['by_api', 'by_td', 'mobile', 'mended']) {
    const columns = [{ name: 'chunk', type: 'varchar' }]
    const body = JSON.stringify({ name, columns, if_not_exists: true })
    await untilGood('/api/v1/databases/test/tables', { method: 'POST', body })
  }
})
afterAll(async () => {
  over.abort()
  await biwa.stop()
})

/** Sends until there is a good answer, as a client does that wants to be sure. */
async function untilGood(path: string, init: RequestInit): Promise<void> {
  const patience = AbortSignal.timeout(300_000)
  while (!over.signal.aborted) {
    try {
      const response = await biwa.request(path, init)
      await response.arrayBuffer()
      if (response.ok) return
      expect([429, 500, 502, 503, 504]).toContain(response.status)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
    if (patience.aborted) throw new Error(`the server did not come back:\n${biwa.log()}`)
    await sleep(20 + Math.random() * 50)
  }
}

const recordsOf = (chunk: string) => Array.from({ length: rowsPerBody }, (_, n) => ({ chunk, n, time: 1_700_000_000 }))

/** Everything that is sent, by what it is sent with. */
const things = {
  by_api: (chunk: string) =>
    untilGood(`/api/v1/databases/test/tables/by_api/import?id=${chunk}&format=ndjson`, {
      method: 'POST',
      body: recordsOf(chunk)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    }),
  by_td: (chunk: string) =>
    untilGood(`/v3/table/import_with_id/test/by_td/${chunk}/msgpack.gz`, {
      method: 'PUT',
      headers: { authorization: `TD1 ${biwa.apiKey}` },
      body: gzipSync(Buffer.concat(recordsOf(chunk).map((record) => encode(record)))),
    }),
  mobile: (uuid: string) =>
    untilGood('/test/mobile', {
      method: 'POST',
      headers: {
        authorization: `TD1 ${biwa.apiKey}`,
        'content-type': 'application/vnd.treasuredata.v1.mobile+json',
      },
      body: JSON.stringify({ events: [{ chunk: uuid, uuid, n: 0 }] }),
    }),
} as const

type Thing = keyof typeof things

/** Twins that send the same at the same time, one thing after the other. */
async function sendTwice(thing: Thing, stop: AbortSignal, sent: Set<string>): Promise<void> {
  while (!stop.aborted && !over.signal.aborted) {
    const id = randomUUID()
    await Promise.all(Array.from({ length: twins }, () => things[thing](id)))
    sent.add(id)
    await sleep(10)
  }
}

async function killOne(): Promise<string> {
  const kinds = [/roles\/api\.js/, /roles\/worker\.js/, /server\/engine\.js/]
  const kind = must(kinds[Math.floor(Math.random() * kinds.length)], 'a kind')
  for (let tries = 0; tries < 300; tries += 1) {
    const found = descendants(must(biwa.supervisor.pid, 'a process has an id')).find(({ command }) =>
      kind.test(command),
    )
    if (found === undefined) {
      await sleep(100)
      continue
    }
    if (strikeDead(found.pid)) return kind.source
  }
  return 'none'
}

it(`counts what twins send once, over ${kills} kills of api, worker and engine`, async () => {
  const stop = new AbortController()
  const sent = { by_api: new Set<string>(), by_td: new Set<string>(), mobile: new Set<string>() }
  const senders = (Object.keys(things) as Thing[]).map((thing) => sendTwice(thing, stop.signal, sent[thing]))
  const killed: string[] = []
  for (let round = 0; round < kills; round += 1) {
    await sleep(300 + Math.random() * 1200)
    killed.push(await killOne())
  }
  await sleep(1000)
  stop.abort()
  await Promise.all(senders)
  const counts = Object.entries(sent).map(([thing, ids]) => `${thing} ${ids.size}`)
  console.log(`killed ${killed.join(' ')}; sent each by ${twins}: ${counts.join(', ')}`)
  for (const [table, ids] of Object.entries(sent)) {
    expect(ids.size).toBeGreaterThan(0)
    const rows = table === 'mobile' ? 1 : rowsPerBody
    expect(await rowsOf(table, ids.size)).toEqual(new Map([...ids].map((id) => [id, rows])))
  }
})

it('adds what is mended and replayed once, over kills of worker and engine', async () => {
  const records = 300
  const broken = Array.from({ length: records }, (_, n) => `{"chunk":"c${n}","n":}`).join('\n')
  await untilGood('/api/v1/databases/test/tables/mended/import?id=broken&format=ndjson&wait=visible&wait_seconds=240', {
    method: 'POST',
    body: broken,
  })
  const below = '/api/v1/databases/test/tables/mended/quarantine'
  const fix = JSON.stringify({ all: true, edits: [{ find: '"n":}', replace: '"n":1}' }] })
  await untilGood(`${below}/fix`, { method: 'POST', body: fix })
  for (let round = 0; round < 3; round += 1) {
    const one = JSON.stringify({ all: true })
    await Promise.all([1, 2].map(() => untilGood(`${below}/replay`, { method: 'POST', body: one })))
    await sleep(Math.random() * 400)
    await killOne()
  }
  await untilGood(`${below}/replay`, { method: 'POST', body: JSON.stringify({ all: true }) })
  const wanted = new Map(Array.from({ length: records }, (_, n) => [`c${n}`, 1]))
  expect(await rowsOf('mended', records)).toEqual(wanted)
  const left = await biwa.request(`${below}/reasons`)
  expect(await left.json()).toMatchObject({ items: [] })
})

/** How many rows there are of each, when as many are there as are waited for; and a moment later still. */
async function rowsOf(table: string, wanted: number): Promise<Map<string, number>> {
  const counted = async () => {
    const rows = await queryRows(biwa, `select chunk, count(*) from ${table} group by chunk`)
    return new Map(rows.map(([chunk, count]) => [String(chunk), Number(count)]))
  }
  const arrived = async () => (await counted()).size
  await expect.poll(arrived, { interval: 200, timeout: 240_000 }).toBeGreaterThanOrEqual(wanted)
  await sleep(500)
  return await counted()
}
