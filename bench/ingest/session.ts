import { setTimeout as sleep } from 'node:timers/promises'

import { startBiwa } from '../../test/support/biwa.ts'
import type { Biwa } from '../../test/support/biwa.ts'
import { freePort } from '../../test/support/free-port.ts'
import { quantiles } from '../quantiles.ts'
import { processorTimes, spentBetween } from './cpu.ts'
import type { ProcessorTimes } from './cpu.ts'
import { keepAlive } from '../query/keep-alive.ts'
import { seed } from '../query/platform.ts'
import { startLoader } from './load.ts'
import type { Loader, LoadOrder, LoadReport } from './load.ts'
import { askSteadily } from './queries.ts'
import type { QueryFigures } from './queries.ts'

/** A Biwa with its forward port open, and the process that loads it. */
export interface LoadSession {
  readonly biwa: Biwa
  readonly loader: Loader
  readonly forwardPort: number
  close(): Promise<void>
}

export interface SessionOptions {
  /** Queries that are asked beside the load need a table. */
  readonly isAsked: boolean
  /** Of the server, besides those that the bench sets. */
  readonly flags: readonly string[]
}

export async function openLoadSession({ isAsked, flags: more }: SessionOptions = none): Promise<LoadSession> {
  const forwardPort = await freePort()
  const first = await startBiwa()
  await first.stop({ keep: true })
  const { apiKey, dataDirectory } = first
  const flags = [`--fluent-port=${forwardPort}`, `--fluent-api-key=${apiKey}`, ...more]
  const biwa = await startBiwa({ dataDirectory, arguments: flags })
  if (isAsked) await seed({ name: 'asker', request: biwa.request })
  const loader = await startLoader()
  return {
    biwa,
    loader,
    forwardPort,
    async close() {
      loader.stop()
      await biwa.stop()
    },
  }
}

export interface Step extends LoadReport {
  /** Records a second that were acknowledged, and that could be queried: until the last of them could. */
  readonly acknowledgedPerSecond: number
  readonly queryablePerSecond: number
  /** How many seconds after the last acknowledgement everything could be queried. */
  readonly drainSeconds: number
  /** From the moment a single event was to be sent, every quarter of a second, until a query has it. */
  readonly queryableMs: ReturnType<typeof quantiles>
  /** CPU seconds of a million records, by kind of process. */
  readonly cpuSecondsPerMillion: Record<string, number>
  /** Small queries beside the load; null where none were asked. */
  readonly queries: QueryFigures | null
}

interface StepOrder extends Omit<LoadOrder, 'port' | 'apiKey' | 'run' | 'startSeconds'> {
  /** Small ones, a second. */
  readonly queries: number
}

const none: SessionOptions = { isAsked: false, flags: [] }

let runs = 0

/** One stretch of load, and all that has to be done for it until every record of it can be queried. */
export async function measureStep(session: LoadSession, order: StepOrder): Promise<Step> {
  const { biwa, loader } = session
  const { door, table } = order
  const port = door === 'forward' ? session.forwardPort : Number(new URL(biwa.url).port)
  const place = { port, apiKey: biwa.apiKey, run: `run-${process.pid}-${runs++}` }
  const before = spentSoFar(session)
  const rowsBefore = await rowsOf(biwa, table)
  const probing = new AbortController()
  const probes = probe(biwa, table, probing.signal)
  const asking = askSteadily(
    { name: 'asker', request: keepAlive(biwa.url, biwa.apiKey) },
    order.queries,
    probing.signal,
  )
  const start = performance.now()
  const report = await loader.run({ ...order, ...place, startSeconds: Math.floor(Date.now() / 1000) })
  const acknowledgedAt = performance.now()
  probing.abort()
  const delays = await probes
  const queries = (await asking) ?? null
  const expected = rowsBefore + report.acknowledged + delays.length
  const deadline = performance.now() + 600_000
  for (let rows = 0; rows < expected; rows = await rowsOf(biwa, table)) {
    if (performance.now() > deadline) throw new Error(`${table} has ${rows} rows of ${expected} after ten minutes`)
    await sleep(50)
  }
  const end = performance.now()
  const rows = await rowsOf(biwa, table)
  if (rows !== expected) throw new Error(`${table} has ${rows} rows, and ${expected} were acknowledged`)
  const spent = spentSince(before, session)
  const millions = report.acknowledged / 1e6
  return {
    ...report,
    acknowledgedPerSecond: (report.acknowledged * 1000) / (acknowledgedAt - start),
    queryablePerSecond: (report.acknowledged * 1000) / (end - start),
    drainSeconds: (end - acknowledgedAt) / 1000,
    queryableMs: quantiles(delays),
    queries,
    cpuSecondsPerMillion: Object.fromEntries(
      Object.entries(spent).map(([kind, seconds]) => [kind, Math.round((seconds * 100) / millions) / 100]),
    ),
  }
}

interface Spent {
  readonly processes: ProcessorTimes
  readonly own: NodeJS.CpuUsage
}

const spentSoFar = ({ biwa, loader }: LoadSession): Spent => ({
  processes: processorTimes(biwa.supervisor.pid ?? 0, loader.pid),
  own: process.cpuUsage(),
})

/** With this process, which asks. */
function spentSince(before: Spent, session: LoadSession): Record<string, number> {
  const { processes } = spentSoFar(session)
  const { user, system } = process.cpuUsage(before.own)
  return { ...spentBetween(before.processes, processes), asker: (user + system) / 1e6 }
}

const probeEveryMs = 250

/** Sends single events into the table that is loaded until it is told to stop; resolves with how long each took. */
async function probe(biwa: Biwa, table: string, stop: AbortSignal): Promise<number[]> {
  const path = `/api/v1/databases/bench/tables/${table}/events?wait=visible&wait_seconds=60`
  const delays: number[] = []
  const sent: Promise<void>[] = []
  const start = performance.now()
  for (let number = 0; !stop.aborted; number += 1) {
    const due = start + number * probeEveryMs
    await sleep(Math.max(0, due - performance.now()))
    const answered = biwa
      .request(path, { method: 'POST', body: JSON.stringify({ code: 200 }) })
      .then(async (response) => {
        if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
        await response.arrayBuffer()
        delays.push(performance.now() - due)
      })
    answered.catch(() => {})
    sent.push(answered)
  }
  await Promise.all(sent)
  return delays
}

const triesMax = 3

async function rowsOf(biwa: Biwa, table: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      const response = await biwa.request(`/api/v1/databases/bench/tables/${table}`)
      if (response.status === 404) return 0
      return ((await response.json()) as { rows: number }).rows
    } catch (error) {
      // A connection that was idle for seconds may be closed by the server in the moment in which it is used again.
      if (tries === triesMax) throw error
    }
  }
}
