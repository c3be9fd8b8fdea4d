import { setTimeout as sleep } from 'node:timers/promises'

import type { Biwa } from '../../test/support/biwa.ts'
import { gzipBodies, recordOf } from '../ingest/shapes.ts'
import type { Quantiles } from '../outcome.ts'
import { quantiles } from '../quantiles.ts'

/** What was done, and how long the server took for it. */
export interface Work {
  readonly done: Readonly<Record<string, number>>
  readonly ms: Readonly<Record<string, Quantiles>>
  /** The first of them, in words. */
  readonly failures: readonly string[]
}

export interface Load {
  /** Ends when everything that was acknowledged is where it belongs. */
  stop(): Promise<Work>
}

const recordsPerImport = 2000
const daysKept = 1
/** What is imported is of now in turn with what is too old to be kept. */
const agesSeconds = [0, (daysKept + 2) * 86_400]

const queries = [
  'select code, count(*), sum(bytes) from imported group by code order by code',
  'select count(*) from events',
  `select path, count(*) as n from imported where code = 404 group by path order by n desc limit 10`,
  'select max(time) from events',
]

/** Imports each second, ten single events, and two queries: what two cores do without effort, so that nothing piles up. */
export function startLoad(biwa: Biwa): Load {
  const tasks: Readonly<Record<string, Task>> = {
    import: { everyMs: 1000, once: importer(biwa) },
    event: {
      everyMs: 100,
      once: (n) => send(biwa, '/events/events', JSON.stringify(recordOf.narrow(n, nowSeconds()))),
    },
    query: { everyMs: 500, once: (n) => query(biwa, queries[n % queries.length] ?? '') },
  }
  const stopping = new AbortController()
  const failures: string[] = []
  const took: Record<string, number[]> = {}
  const running = prepare(biwa).then(() =>
    Promise.all(
      Object.entries(tasks).map(async ([name, { everyMs, once }]) => {
        const times = (took[name] = [] as number[])
        for (let number = 0; !stopping.signal.aborted; number += 1) {
          const startMs = performance.now()
          try {
            await once(number)
            times.push(performance.now() - startMs)
          } catch (error) {
            failures.push(`${name}: ${String(error).slice(0, 200)}`)
          }
          await sleep(Math.max(0, everyMs - (performance.now() - startMs)))
        }
      }),
    ),
  )
  return {
    async stop() {
      stopping.abort()
      await running
      const sent = took['event']?.length ?? 0
      failures.push(...(await missing(biwa, sent)))
      const entries = Object.entries(took)
      return {
        done: Object.fromEntries(entries.map(([name, times]) => [name, times.length])),
        ms: Object.fromEntries(entries.map(([name, times]) => [name, quantiles(times)])),
        failures: failures.slice(0, 20),
      }
    },
  }
}

interface Task {
  readonly everyMs: number
  readonly once: (number: number) => Promise<void>
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** The tables, one of which forgets what is old. */
async function prepare(biwa: Biwa): Promise<void> {
  const make = async (method: string, path: string, body: object): Promise<void> => {
    const response = await biwa.request(`/api/v1/databases${path}`, { method, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    await response.arrayBuffer()
  }
  await make('POST', '', { name: 'soak' })
  for (const name of ['imported', 'events']) await make('POST', '/soak/tables', { name, columns: columnsOf(name) })
  await make('PATCH', '/soak/tables/imported', { expire_days: daysKept, history_hours: 0 })
}

/** Queries ask for them before the first record is there. */
function columnsOf(table: string): object[] {
  if (table === 'events') return []
  return [
    { name: 'code', type: 'bigint' },
    { name: 'bytes', type: 'bigint' },
    { name: 'path', type: 'varchar' },
  ]
}

function importer(biwa: Biwa): (number: number) => Promise<void> {
  const bodies = agesSeconds.flatMap((age) => gzipBodies('narrow', 'msgpack', 1, recordsPerImport, nowSeconds() - age))
  return async (number) => {
    const body = bodies[number % bodies.length]
    if (body === undefined) throw new Error('there are bodies')
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/octet-stream' }
    await send(biwa, `/imported/import?format=msgpack&id=soak-${number}`, body.bytes, headers)
  }
}

async function send(
  biwa: Biwa,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await biwa.request(`/api/v1/databases/soak/tables${path}`, { method: 'POST', body, headers })
  if (response.status !== 202) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

async function query(biwa: Biwa, sql: string): Promise<void> {
  await rowsOf(biwa, sql)
}

async function rowsOf(biwa: Biwa, sql: string): Promise<unknown[][]> {
  const body = JSON.stringify({ sql, database: 'soak', wait_seconds: 60 })
  const submitted = await biwa.request('/api/v1/queries', { method: 'POST', body })
  const job = (await submitted.json()) as { id: number; state: string }
  if (job.state !== 'success') throw new Error(`${submitted.status} ${JSON.stringify(job).slice(0, 300)}`)
  const result = await biwa.request(`/api/v1/jobs/${job.id}/result?format=json`)
  return ((await result.json()) as { rows: unknown[][] }).rows
}

/** Says so where events that were acknowledged are not in their table within a minute, or more than these are. */
async function missing(biwa: Biwa, sent: number): Promise<string[]> {
  let rows: unknown
  for (let tries = 0; tries < 60; tries += 1) {
    rows = (await rowsOf(biwa, 'select count(*) from events'))[0]?.[0]
    if (rows === sent) return []
    await sleep(1000)
  }
  return [`${sent} events were acknowledged, and ${String(rows)} are in their table`]
}
