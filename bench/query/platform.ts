import { startBiwa } from '../../test/support/biwa.ts'
import { createAccounts } from '../accounts.ts'
import { startServer } from '../queue/server.ts'
import { keepAlive } from './keep-alive.ts'
import type { Answered, Asked } from './keep-alive.ts'

/** A whole server with accounts that have the same table each. */
export interface QueryPlatform {
  readonly accounts: readonly QueryAccount[]
  stop(): Promise<void>
}

export interface QueryAccount {
  readonly name: string
  readonly request: (path: string, asked?: Asked) => Promise<Answered>
}

/** What is asked of them. */
export const smallQuery =
  'select code, count(*) as n, sum(bytes) from logs where bytes > 50000 group by code order by code'

const rowsPerBody = 20_000
const bodies = 5

export async function startPlatform(names: readonly string[]): Promise<QueryPlatform> {
  const server = await startServer()
  const biwa = await startBiwa({ arguments: [`--database-url=${server.url}`] })
  const accounts: QueryAccount[] = []
  for (const { name, apiKey } of await createAccounts(server.url, names)) {
    const request = keepAlive(biwa.url, apiKey)
    accounts.push({ name, request })
    await seed({ name, request })
  }
  return {
    accounts,
    async stop() {
      await biwa.stop()
      await server.stop()
    },
  }
}

/** A hundred thousand rows of the last hour, in a few chunks. */
export async function seed(account: QueryAccount): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  for (let body = 0; body < bodies; body += 1) {
    const lines = Array.from({ length: rowsPerBody }, (_, row) => {
      const number = body * rowsPerBody + row
      return `{"time":${now - (number % 3600)},"host":"10.0.0.${number % 200}","code":${number % 50 === 0 ? 404 : 200},"bytes":${(number * 7919) % 100_000}}`
    })
    const path = `/api/v1/databases/web/tables/logs/import?format=ndjson&id=${body}`
    const response = await account.request(path, { method: 'POST', body: lines.join('\n') })
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
    await response.arrayBuffer()
  }
  while (
    (await ask(account, 'select count(*) from logs').catch(() => undefined))?.rows[0]?.[0] !==
    rowsPerBody * bodies
  ) {
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Milliseconds. */
export interface Stages {
  /** Until the job was done: in the queue, and then in the hands of a worker, who plans and runs. */
  readonly done: number
  readonly queued: number
  readonly worked: number
  readonly planned: number
  readonly run: number
  /** From then on until the rows were here. */
  readonly read: number
}

export interface Answer {
  readonly rows: readonly (readonly unknown[])[]
  readonly ms: Stages
}

interface SubmittedJob {
  readonly id: number
  readonly state: string
  readonly created_at: string
  readonly started_at: string
  readonly finished_at: string
  readonly query: { readonly result: { readonly statistics: { readonly plan_ms: number; readonly run_ms: number } } }
}

/** A query as a client of the REST door asks one: submitted, waited for, and its rows read. */
export async function ask({ request }: QueryAccount, sql: string): Promise<Answer> {
  const start = performance.now()
  const body = JSON.stringify({ sql, database: 'web', wait_seconds: 60, timeout_seconds: 60 })
  const submitted = await request('/api/v1/queries', { method: 'POST', body })
  const job = (await submitted.json()) as SubmittedJob
  if (job.state !== 'success') throw new Error(`${submitted.status} ${JSON.stringify(job).slice(0, 300)}`)
  const done = performance.now() - start
  const result = await request(`/api/v1/jobs/${job.id}/result?format=json`)
  if (result.status !== 200) throw new Error(`${result.status} ${await result.text()}`)
  const { rows } = (await result.json()) as Pick<Answer, 'rows'>
  const [created, started, finished] = [job.created_at, job.started_at, job.finished_at].map((at) => Date.parse(at))
  const { plan_ms: planned, run_ms: run } = job.query.result.statistics
  const [queued, worked] = [(started ?? 0) - (created ?? 0), (finished ?? 0) - (started ?? 0)]
  return { rows, ms: { done, queued, worked, planned, run, read: performance.now() - start - done } }
}
