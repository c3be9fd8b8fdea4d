import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { forkArguments } from '../../src/base/fork-arguments.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { queryRows } from '../support/query.ts'
import { senderDoors } from './overload-task.ts'
import type { SenderDoor, SenderReport, SenderTask } from './overload-task.ts'

// Each door is sent far more than can be kept, by processes of their own that do not heed what they are told. What must hold: the
// memory of the api process is bounded, whoever is refused hears when to come again, what was acknowledged is in its table once,
// and a moment later all is as before. `BIWA_OVERLOAD_SECONDS=60` gives each door a minute.

const seconds = Number(process.env['BIWA_OVERLOAD_SECONDS'] ?? 1)
const rowsPerBody = 200
const mebibyte = 2 ** 20

/** So little room that the senders have more under way at one time than fits, however slow the machine is. */
const inflightBytes = mebibyte
const backlogBytes = 4 * mebibyte

/**
 * What the process may grow by while it is overloaded: the bodies it may hold, in the two or three forms in which they lie in
 * buffers of sockets and in memory that is not collected yet.
 */
const growthBytesMax = 200 * mebibyte

const healthyWithinMs = 10_000

let biwa: Biwa
let fluentPort: number
let senders: readonly ChildProcess[]

beforeAll(async () => {
  fluentPort = await freePort()
  // The key does not exist before the first start.
  biwa = await startBiwa()
  const { apiKey, dataDirectory } = biwa
  await biwa.stop({ keep: true })
  const limits = [`--inflight-bytes=${inflightBytes}`, `--backlog-bytes=${backlogBytes}`]
  const fluent = [`--fluent-port=${fluentPort}`, `--fluent-api-key=${apiKey}`]
  biwa = await startBiwa({ dataDirectory, arguments: [...limits, ...fluent] })
  await biwa.request('/api/v1/databases', {
    method: 'POST',
    body: JSON.stringify({ name: 'test', if_not_exists: true }),
  })
  const columns = [
    { name: 'chunk', type: 'varchar' },
    { name: 'n', type: 'bigint' },
  ]
  for (const name of senderDoors) {
    const body = JSON.stringify({ name, columns, if_not_exists: true })
    const made = await biwa.request('/api/v1/databases/test/tables', { method: 'POST', body })
    expect(made.status, await made.text()).toBe(201)
  }
  senders = await Promise.all([startSender(), startSender()])
}, 180_000)
afterAll(async () => {
  for (const sender of senders) sender.disconnect()
  await biwa.stop()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function startSender(): Promise<ChildProcess> {
  const entry = new URL('overload-sender.ts', import.meta.url)
  const sender = fork(entry, { execArgv: forkArguments(entry) })
  await once(sender, 'message')
  return sender
}

async function send(sender: ChildProcess, door: SenderDoor, name: string): Promise<SenderReport> {
  const { url, apiKey } = biwa
  const task: SenderTask = { door, name, url, fluentPort, apiKey, milliseconds: seconds * 1000, rowsPerBody, lanes: 48 }
  const report = once(sender, 'message')
  sender.send(task)
  const [answer] = (await report) as [SenderReport]
  return answer
}

function residentBytes(): number {
  const pid = must(
    descendants(must(biwa.supervisor.pid, 'a process has an id')).find(({ command }) => /roles\/api\.js/.test(command)),
    'the api runs',
  ).pid
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}

/** The most memory that the api process has until the work is over. */
async function peakDuring(work: Promise<unknown>): Promise<number> {
  let peak = 0
  let isOver = false
  void work.finally(() => (isOver = true)).catch(() => {})
  while (!isOver) {
    peak = Math.max(peak, residentBytes())
    await sleep(100)
  }
  return peak
}

/** Milliseconds until an ordinary import is taken again. */
async function recovery(): Promise<number> {
  const start = performance.now()
  for (;;) {
    const init = { method: 'POST', body: '{"a":1}' }
    const response = await biwa.request('/api/v1/databases/test/tables/ordinary/events', init)
    await response.arrayBuffer()
    if (response.status === 202) return performance.now() - start
    expect(performance.now() - start).toBeLessThan(healthyWithinMs)
    await sleep(200)
  }
}

/** How many rows each body has in the table, when all that was acknowledged is there. */
async function countedRows(table: SenderDoor, wanted: number): Promise<Map<string, [number, number]>> {
  const sql = `select chunk, count(*), count(distinct n) from ${table} group by chunk`
  for (let tries = 0; ; tries += 1) {
    const rows = await queryRows(biwa, sql)
    if (rows.length >= wanted || tries === 300) {
      return new Map(rows.map(([chunk, count, distinct]) => [String(chunk), [Number(count), Number(distinct)]]))
    }
    await sleep(200)
  }
}

describe(`more than can be kept, for ${seconds} s`, () => {
  it.each(senderDoors)(
    'by %s: memory is bounded, nothing acknowledged is lost, and all is well soon after',
    async (door) => {
      const before = residentBytes()
      const sending = Promise.all(senders.map((sender, index) => send(sender, door, `${door}-${index}`)))
      const [reports, peak] = await Promise.all([sending, peakDuring(sending)])
      const recoveredMs = await recovery()
      const acknowledged = reports.flatMap((report) => report.acknowledged)
      const answers = reports.map((report) => JSON.stringify(report.answers)).join(' ')
      const megabytes = [before, peak].map((bytes) => Math.round(bytes / mebibyte)).join(' → ')
      console.log(`${door}: ${answers}; ${megabytes} MiB; well after ${Math.round(recoveredMs)} ms`)

      expect(acknowledged.length).toBeGreaterThan(0)
      // If all had been taken, this would show nothing. Whoever forwards is not refused, but waits.
      if (door !== 'forward')
        expect(reports.reduce((sum, { tried }) => sum + tried, 0)).toBeGreaterThan(acknowledged.length)
      for (const { answers: statuses, withoutRetryAfter } of reports) {
        expect(Object.keys(statuses).filter((status) => !answersAllowed.has(status))).toEqual([])
        expect(withoutRetryAfter).toBe(0)
      }
      expect(peak - before).toBeLessThan(growthBytesMax)
      const counted = await countedRows(door, acknowledged.length)
      for (const chunk of acknowledged) expect([chunk, counted.get(chunk)]).toEqual([chunk, [rowsPerBody, rowsPerBody]])
      // What was not acknowledged may be there, but whole.
      for (const [chunk, counts] of counted) expect([chunk, counts]).toEqual([chunk, [rowsPerBody, rowsPerBody]])
    },
    seconds * 1000 + 180_000,
  )
})

/** A connection that ends without an answer is none that anybody could take for an acknowledgement. */
const answersAllowed = new Set(['200', '202', '429', 'acknowledged', 'open', 'none'])
