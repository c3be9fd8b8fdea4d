import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { descendants, startBiwa, strikeDead } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { untilMore } from '../support/progress.ts'
import { queryRows } from '../support/query.ts'

const kills = Number(process.env['BIWA_TEST_KILLS'] ?? 20)
const rowsPerBatch = 50
const dataDirectory = mkdtempSync(join(tmpdir(), 'biwa-kill-'))

/** What the senders know: which batches and events were acknowledged, and which were only tried. */
interface Ledger {
  readonly acknowledgedBatches: Set<string>
  readonly triedBatches: Set<string>
  readonly acknowledgedEvents: Set<number>
  readonly triedEvents: Set<number>
}

let biwa: Biwa
/** Ends the senders also when the test fails before it asks them to stop. */
const over = new AbortController()

afterAll(async () => {
  over.abort()
  await biwa.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

it(`keeps every acknowledged record exactly once over ${kills} kills of random processes`, async () => {
  biwa = await startBiwa({ dataDirectory })
  const ledger: Ledger = {
    acknowledgedBatches: new Set(),
    triedBatches: new Set(),
    acknowledgedEvents: new Set(),
    triedEvents: new Set(),
  }
  const stop = new AbortController()
  const senders = [
    ...[0, 1, 2].map((sender) => sendBatches(`s${sender}`, ledger, stop.signal)),
    ...[0, 1].map((sender) => sendEvents(sender, ledger, stop.signal)),
  ]
  const killed: string[] = []
  const batches = (): number => ledger.acknowledgedBatches.size
  const events = (): number => ledger.acknowledgedEvents.size
  for (let round = 0; round < kills; round++) {
    // Every second time, a server is struck that works, and else one that may have been struck just before.
    if (round % 2 === 0) await Promise.all([untilMore(batches), untilMore(events)])
    await sleep(200 + Math.random() * 1500)
    killed.push(await killOne())
    console.log(
      `${round + 1}: ${killed.at(-1)}; acknowledged ${ledger.acknowledgedBatches.size} and ${ledger.acknowledgedEvents.size}`,
    )
  }
  // However slow the machine is, there is something to be lost.
  const few = (): boolean => batches() <= kills || events() <= kills
  await expect.poll(few, { timeout: 240_000 }).toBe(false)
  await sleep(1000)
  stop.abort()
  await Promise.all(senders)

  expect(ledger.acknowledgedBatches.size).toBeGreaterThan(kills)
  expect(ledger.acknowledgedEvents.size).toBeGreaterThan(kills)
  await everythingArrived(ledger)
  const batchesThere = new Map(
    (await queryRows(biwa, 'select batch, count(*), count(distinct n) from batches group by batch')).map((row) => [
      String(row[0]),
      [Number(row[1]), Number(row[2])],
    ]),
  )
  const eventsThere = new Map(
    (await queryRows(biwa, 'select n, count(*) from events group by n')).map((row) => [Number(row[0]), Number(row[1])]),
  )
  console.log(`killed: ${killed.join(' ')}; batches ${batchesThere.size}, events ${eventsThere.size}`)
  // Every acknowledged batch is there in full, once; one that was never acknowledged is there once or not at all.
  for (const batch of ledger.acknowledgedBatches) expect([batch, batchesThere.get(batch)]).toEqual([batch, [50, 50]])
  for (const [batch, counts] of batchesThere) {
    expect(ledger.triedBatches.has(batch)).toBe(true)
    expect([batch, counts]).toEqual([batch, [rowsPerBatch, rowsPerBatch]])
  }
  for (const event of ledger.acknowledgedEvents) expect([event, eventsThere.get(event)]).toEqual([event, 1])
  for (const [event, count] of eventsThere) {
    expect(ledger.triedEvents.has(event)).toBe(true)
    expect([event, count]).toEqual([event, 1])
  }
})

/** Batches with ids: most are repeated until they are acknowledged, as a good sender does; some are given up. */
async function sendBatches(sender: string, ledger: Ledger, stop: AbortSignal): Promise<void> {
  for (let number = 0; !stop.aborted && !over.signal.aborted; number++) {
    const batch = `${sender}-${number}`
    const lines = Array.from({ length: rowsPerBatch }, (_, n) => JSON.stringify({ batch, n }))
    const persistent = number % 4 !== 0
    ledger.triedBatches.add(batch)
    const patience = AbortSignal.timeout(300_000)
    do {
      const path = `/api/v1/databases/test/tables/batches/import?id=${batch}&format=ndjson`
      if (await acknowledged(path, lines.join('\n'))) {
        ledger.acknowledgedBatches.add(batch)
        break
      }
      await sleep(50)
      if (patience.aborted) throw new Error(`the server did not come back:\n${biwa.log()}`)
    } while (persistent && !over.signal.aborted)
    await sleep(10)
  }
}

/** Events without ids: never repeated, because nobody could tell a repetition from a second event. */
async function sendEvents(sender: number, ledger: Ledger, stop: AbortSignal): Promise<void> {
  for (let number = sender; !stop.aborted && !over.signal.aborted; number += 2) {
    ledger.triedEvents.add(number)
    if (await acknowledged('/api/v1/databases/test/tables/events/events', JSON.stringify({ n: number }))) {
      ledger.acknowledgedEvents.add(number)
    } else {
      await sleep(50)
    }
  }
}

async function acknowledged(path: string, body: string): Promise<boolean> {
  try {
    const response = await biwa.request(path, { method: 'POST', body, signal: AbortSignal.timeout(10_000) })
    await response.arrayBuffer()
    return response.status === 202
  } catch {
    return false
  }
}

/** Kills a process of a random kind, the supervisor included; a dead supervisor is started again by hand. */
async function killOne(): Promise<string> {
  const supervisor = biwa.supervisor.pid ?? 0
  const kinds = new Map([['supervisor', [supervisor]]])
  for (const { pid, command } of descendants(supervisor)) {
    const kind = kindOf(command)
    if (kind !== undefined) kinds.set(kind, [...(kinds.get(kind) ?? []), pid])
  }
  const [kind, pids] = pick([...kinds])
  const victim = pick(pids)
  if (!strikeDead(victim)) return `${kind}, gone already`
  if (victim === supervisor) biwa = await startBiwa({ dataDirectory })
  return kind
}

function kindOf(command: string): string | undefined {
  if (command.startsWith('postgres:')) return 'backend'
  if (command.includes('bin/postgres')) return 'postmaster'
  return /(api|worker|scheduler|engine)\.js/.exec(command)?.[1]
}

function pick<T>(choices: readonly T[]): T {
  return must(choices[Math.floor(Math.random() * choices.length)], 'there is a choice')
}

async function everythingArrived(ledger: Ledger): Promise<void> {
  for (let attempt = 0; attempt < 480; attempt++) {
    const [row] = await countBoth().catch(() => [[-1, -1]])
    const [batches, events] = [Number(row?.[0]), Number(row?.[1])]
    if (batches >= ledger.acknowledgedBatches.size && events >= ledger.acknowledgedEvents.size) return
    await sleep(500)
  }
}

const countBoth = () =>
  queryRows(biwa, 'select (select count(distinct batch) from batches), (select count(distinct n) from events)')
