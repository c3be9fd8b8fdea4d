import type { Biwa } from './biwa.ts'

export type Row = readonly unknown[]

interface JobAnswer {
  readonly id: number
  readonly state: string
  readonly created_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | null
}

/** Runs a query to its end and answers the finished job. */
export async function finishQuery(biwa: Pick<Biwa, 'request'>, sql: string, database = 'test'): Promise<JobAnswer> {
  const body = JSON.stringify({ sql, database, wait_seconds: 30 })
  const response = await biwa.request('/api/v1/queries', { method: 'POST', body })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  let job = (await response.json()) as JobAnswer
  while (!['success', 'error', 'killed', 'dead'].includes(job.state)) {
    const again = await biwa.request(`/api/v1/jobs/${job.id}?wait=30`)
    job = (await again.json()) as JobAnswer
  }
  return job
}

/** The rows of a query; fails when the query does. Integers beyond 2^53 lose digits here: cast them to varchar. */
export async function queryRows(biwa: Pick<Biwa, 'request'>, sql: string, database = 'test'): Promise<Row[]> {
  const job = await finishQuery(biwa, sql, database)
  if (job.state !== 'success') throw new Error(`${sql}: ${job.state} ${JSON.stringify(job.error)}`)
  const result = await biwa.request(`/api/v1/jobs/${job.id}/result?format=json`)
  if (!result.ok) throw new Error(`${result.status} ${await result.text()}`)
  return ((await result.json()) as { rows: Row[] }).rows
}
