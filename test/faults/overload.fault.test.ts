import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { must } from '../../src/base/errors.ts'
import { forkArguments } from '../../src/base/fork-arguments.ts'
import { settingTable } from '../../src/base/settings.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { freePort } from '../support/free-port.ts'
import { queryRows } from '../support/query.ts'
import { bulkImportOf, partsPerImport, rowsPerBody, senderDoors } from './overload-task.ts'
import type { SenderDoor, SenderReport, SenderTask } from './overload-task.ts'

// Each door is first asked how much it can do, and is then sent three times as much, by processes of their own that heed nothing, with
// the limits that the product has by default. What must hold: the memory of the api process is bounded, whoever is refused hears
// when to come again, what was acknowledged is in its table once, and a moment later all is as before.
// `BIWA_OVERLOAD_SECONDS=60` gives each door a minute.

const seconds = Number(process.env['BIWA_OVERLOAD_SECONDS'] ?? 2)
const calibrationMs = Math.min(3000, Math.max(1000, seconds * 50))
const overload = 3
const mebibyte = 2 ** 20

/**
 * What the process may grow by: the bodies that it may hold, each for a moment in two forms (as they came, and in one piece), what
 * is in the buffers of a thousand sockets, and what is not collected yet.
 */
const growthBytesMax = 2 * settingTable.inflightBytes.fallback + 256 * mebibyte

/** Soon is a moment for a machine that has nothing else to do; a server that does not come back would not be there then, either. */
const healthyWithinMs = 60_000

let biwa: Biwa
let fluentPort: number
let senders: readonly ChildProcess[]

beforeAll(async () => {
  fluentPort = await freePort()
  // The key does not exist before the first start.
  biwa = await startBiwa()
  const { apiKey, dataDirectory } = biwa
  await biwa.stop({ keep: true })
  biwa = await startBiwa({ dataDirectory, arguments: fluentArguments(apiKey) })
  await make('/api/v1/databases', { name: 'test' })
  const columns = [
    { name: 'chunk', type: 'varchar' },
    { name: 'n', type: 'bigint' },
  ]
  for (const name of senderDoors) await make('/api/v1/databases/test/tables', { name, columns })
  senders = await Promise.all([startSender(), startSender()])
})
afterAll(async () => {
  for (const sender of senders) sender.disconnect()
  await biwa.stop()
})

const fluentArguments = (apiKey: string) => [`--fluent-port=${fluentPort}`, `--fluent-api-key=${apiKey}`]

async function make(path: string, what: object): Promise<void> {
  const body = JSON.stringify({ ...what, if_not_exists: true })
  const made = await biwa.request(path, { method: 'POST', body })
  expect(made.status, await made.text()).toBe(201)
}

async function startSender(): Promise<ChildProcess> {
  const entry = new URL('overload-sender.ts', import.meta.url)
  const sender = fork(entry, { execArgv: forkArguments(entry) })
  await once(sender, 'message')
  return sender
}

/** Both senders at once; `name` tells their bodies from all others. */
async function send(
  door: SenderDoor,
  name: string,
  how: Pick<SenderTask, 'milliseconds' | 'lanes' | 'rate'>,
): Promise<SenderReport[]> {
  const { url, apiKey } = biwa
  const reports = senders.map(async (sender, index) => {
    const task: SenderTask = { door, name: `${door}-${name}-${index}`, url, fluentPort, apiKey, ...how }
    const report = once(sender, 'message')
    sender.send(task)
    const [answer] = (await report) as [SenderReport]
    return answer
  })
  return await Promise.all(reports)
}

/** How many bodies a second the door takes from clients that wait for its answers. */
async function sustainableRate(door: SenderDoor): Promise<{ rate: number; acknowledged: readonly string[] }> {
  const startMs = performance.now()
  const reports = await send(door, 'calm', { milliseconds: calibrationMs, lanes: 8 })
  const acknowledged = reports.flatMap((report) => report.acknowledged)
  return { rate: (acknowledged.length * 1000) / (performance.now() - startMs), acknowledged }
}

function residentBytes(): number {
  const pid = must(
    descendants(must(biwa.supervisor.pid, 'a process has an id')).find(({ command }) => /roles\/api\.js/.test(command)),
    'the api runs',
  ).pid
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}

/** Bytes that lie in the kernel's buffers because nobody reads the connections to the port. */
function unreadBytes(port: number): number {
  const [, ...lines] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n')
  const queues = lines.map((line) => line.trim().split(/\s+/))
  const own = queues.filter(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16) === port)
  return own.reduce((sum, [, , , , queued = '']) => sum + Number.parseInt(queued.split(':')[1] ?? '0', 16), 0)
}

interface Peaks {
  readonly resident: number
  readonly unread: number
}

/** The most memory that the api process has until the work is over, and the most that the forward port leaves unread. */
async function peaksDuring(work: Promise<unknown>): Promise<Peaks> {
  let [resident, unread] = [0, 0]
  let isOver = false
  void work.finally(() => (isOver = true)).catch(() => {})
  while (!isOver) {
    resident = Math.max(resident, residentBytes())
    unread = Math.max(unread, unreadBytes(fluentPort))
    await sleep(100)
  }
  return { resident, unread }
}

/** Milliseconds until an ordinary import is taken again, and a query answered. */
async function recovery(): Promise<number> {
  const start = performance.now()
  for (;;) {
    const init = { method: 'POST', body: '{"a":1}' }
    const response = await biwa.request('/api/v1/databases/test/tables/ordinary/events', init)
    await response.arrayBuffer()
    if (response.status === 202) break
    expect(performance.now() - start).toBeLessThan(healthyWithinMs)
    await sleep(200)
  }
  expect(await queryRows(biwa, 'select 1')).toEqual([[1]])
  return performance.now() - start
}

/** Names of bodies that are in the table in another way than once and whole. Waits until so many are there. */
async function wrongBodies(table: SenderDoor, acknowledged: readonly string[]): Promise<string[]> {
  const sql = `select chunk, count(*), count(distinct n) from ${table} group by chunk`
  const patience = performance.now() + 120_000 + seconds * 5000
  const whole = `${rowsPerBody} rows, ${rowsPerBody} of them`
  for (;;) {
    const rows = await queryRows(biwa, sql)
    const counted = new Map(
      rows.map(([chunk, count, distinct]) => [String(chunk), `${Number(count)} rows, ${Number(distinct)} of them`]),
    )
    if (acknowledged.every((name) => counted.has(name)) || performance.now() >= patience) {
      // What was not acknowledged may be there, but whole.
      const names = new Set([...acknowledged, ...counted.keys()])
      return [...names].filter((name) => counted.get(name) !== whole).map((name) => `${name}: ${counted.get(name)}`)
    }
    await sleep(500)
  }
}

/** Nobody can tell how many parts there will be: there are imports for more. */
const importsPerSender = 1 + Math.ceil((2000 * (seconds + 3)) / partsPerImport)

const bulkImports = ['calm', 'stormy'].flatMap((name) =>
  [0, 1].flatMap((index) =>
    Array.from({ length: importsPerSender }, (_, n) => bulkImportOf(`bulk-${name}-${index}`, n * partsPerImport)),
  ),
)

async function askTd(method: string, path: string): Promise<Record<string, unknown>> {
  const answer = await biwa.request(path, { method, headers: { authorization: `TD1 ${biwa.apiKey}` } })
  const body = await answer.text()
  expect(answer.status, `${method} ${path}: ${body}`).toBe(200)
  return JSON.parse(body) as Record<string, unknown>
}

async function createBulkImports(): Promise<void> {
  for (const name of bulkImports) await askTd('POST', `/v3/bulk_import/create/${name}/test/bulk`)
}

/** What was uploaded becomes rows. */
async function commitBulkImports(): Promise<void> {
  for (const name of bulkImports) {
    const { parts } = (await askTd('GET', `/v3/bulk_import/list_parts/${name}`)) as { parts: readonly string[] }
    if (parts.length === 0) continue
    await askTd('POST', `/v3/bulk_import/freeze/${name}`)
    await askTd('POST', `/v3/bulk_import/perform/${name}`)
    while ((await askTd('GET', `/v3/bulk_import/show/${name}`))['status'] !== 'ready') await sleep(200)
    await askTd('POST', `/v3/bulk_import/commit/${name}`)
    while ((await askTd('GET', `/v3/bulk_import/show/${name}`))['status'] !== 'committed') await sleep(200)
  }
}

describe(`three times what a door can do, for ${seconds} s`, () => {
  it.each(senderDoors)(
    'by %s: memory is bounded, nothing acknowledged is lost, and all is well soon after',
    async (door) => {
      if (door === 'bulk') await createBulkImports()
      const calm = await sustainableRate(door)
      const before = residentBytes()
      const rate = (overload * calm.rate) / senders.length
      const sending = send(door, 'stormy', { milliseconds: seconds * 1000, lanes: 512, rate })
      const [reports, peaks] = await Promise.all([sending, peaksDuring(sending)])
      const recoveredMs = await recovery()
      console.log(summaryOf(door, calm.rate, before, peaks, reports, recoveredMs))

      for (const report of reports) {
        expect(Object.keys(report.answers).filter((answer) => !answersAllowed.has(answer))).toEqual([])
        expect(report.withoutRetryAfter).toBe(0)
        expect(report.acknowledged.length).toBeGreaterThan(0)
        // If all had been taken as it came, this would show nothing.
        expect(report.offered).toBeGreaterThan(report.inTime)
      }
      if (door === 'forward') {
        // It is not refused: the listener does not read on, and what is sent stays with who sends it.
        expect(peaks.unread).toBeGreaterThan(0)
        for (const { unsentBytes, blocked } of reports) expect(Math.min(unsentBytes, blocked)).toBeGreaterThan(0)
      }
      expect(peaks.resident - before).toBeLessThan(growthBytesMax)
      expect(recoveredMs).toBeLessThan(healthyWithinMs)
      if (door === 'bulk') await commitBulkImports()
      const acknowledged = [calm, ...reports].flatMap((report) => report.acknowledged)
      expect(await wrongBodies(door, acknowledged)).toEqual([])
    },
    seconds * 10_000 + 600_000,
  )
})

describe('with room for little', () => {
  beforeAll(async () => {
    const { apiKey, dataDirectory } = biwa
    await biwa.stop({ keep: true })
    const limits = [`--inflight-bytes=${mebibyte}`, `--backlog-bytes=${4 * mebibyte}`]
    biwa = await startBiwa({ dataDirectory, arguments: [...fluentArguments(apiKey), ...limits] })
  })

  // Parts of bulk imports wait on the disk, and who forwards waits by itself.
  it.each(senderDoors.filter((door) => door !== 'bulk' && door !== 'forward'))(
    'whoever sends by %s hears when to come again',
    async (door) => {
      const reports = await send(door, 'refused', { milliseconds: 500, lanes: 64 })
      const refused = reports.reduce((sum, { answers }) => sum + (answers['429'] ?? 0) + (answers['503'] ?? 0), 0)
      expect(refused).toBeGreaterThan(0)
      for (const { withoutRetryAfter } of reports) expect(withoutRetryAfter).toBe(0)
      const acknowledged = reports.flatMap((report) => report.acknowledged)
      expect(acknowledged.length).toBeGreaterThan(0)
      await recovery()
      expect(await wrongBodies(door, acknowledged)).toEqual([])
    },
  )
})

/** A connection that ends without an answer is none that anybody could take for an acknowledgement. */
const answersAllowed = new Set(['200', '202', '429', '503', 'acknowledged', 'open', 'none'])

function summaryOf(
  door: SenderDoor,
  rate: number,
  before: number,
  peaks: Peaks,
  reports: readonly SenderReport[],
  recoveredMs: number,
): string {
  const mebibytes = (bytes: number): number => Math.round(bytes / mebibyte)
  const sum = (of: (report: SenderReport) => number): number => reports.reduce((all, report) => all + of(report), 0)
  const answers: Record<string, number> = {}
  for (const [answer, count] of reports.flatMap((report) => Object.entries(report.answers))) {
    answers[answer] = (answers[answer] ?? 0) + count
  }
  const sentSeconds = Math.max(...reports.map(({ sentMs }) => sentMs)) / 1000
  const perSecond = (of: (report: SenderReport) => number): number =>
    Math.round(sum((report) => (of(report) * 1000) / report.sentMs))
  return [
    `${door}: can do ${Math.round(rate)}/s, was offered ${perSecond(({ offered }) => offered)}/s for ${sentSeconds.toFixed(1)} s`,
    `kept ${perSecond(({ inTime }) => inTime)}/s`,
    `${sum(({ blocked }) => blocked)} found no way in`,
    JSON.stringify(answers),
    `refused within ${Math.round(Math.max(...reports.map(({ refusalMs = 0 }) => refusalMs)))} ms`,
    `${mebibytes(before)} → ${mebibytes(peaks.resident)} MiB`,
    ...(door === 'forward'
      ? [`unread ${mebibytes(peaks.unread)} MiB, unsent ${mebibytes(sum(({ unsentBytes }) => unsentBytes))} MiB`]
      : []),
    `well after ${Math.round(recoveredMs)} ms`,
  ].join('; ')
}
