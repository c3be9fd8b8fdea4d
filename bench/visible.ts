import { startBiwa } from '../test/support/biwa.ts'
import type { Options } from './options.ts'
import type { Outcome } from './outcome.ts'
import { quantiles } from './quantiles.ts'

/**
 * How long after an event was sent a SELECT has it in its answer. Each try sends one event and then asks, query after query,
 * until the event is there; the time runs from before the POST to the end of the answer that has it. The yardstick is
 * the time of the same query alone: the part of the delay that is not the import's.
 */
export async function run(options: Options): Promise<Outcome> {
  const tries = options.number('tries')
  const biwa = await startBiwa()
  try {
    await send(biwa.request, { try: -1 })
    await visible(biwa.request, -1)
    const delays: number[] = []
    const acknowledged: number[] = []
    const alone: number[] = []
    for (let number = 0; number < tries; number++) {
      const start = performance.now()
      await send(biwa.request, { try: number })
      acknowledged.push(performance.now() - start)
      await visible(biwa.request, number)
      delays.push(performance.now() - start)
      const again = performance.now()
      await visible(biwa.request, number)
      alone.push(performance.now() - again)
    }
    const result = {
      tries,
      ms: { acknowledged: quantiles(acknowledged), visible: quantiles(delays), query: quantiles(alone) },
    }
    console.log(`${tries} events, one at a time, milliseconds`)
    for (const [name, figures] of Object.entries(result.ms)) {
      console.log(`${name.padEnd(14)} p50 ${figures.p50}  p90 ${figures.p90}  p99 ${figures.p99}  max ${figures.max}`)
    }
    return {
      figures: result,
      sections: [
        { kind: 'quantiles', title: 'One event', unit: 'ms', yardstick: 'query', rows: { 'one event': result.ms } },
      ],
    }
  } finally {
    await biwa.stop()
  }
}

type Request = (path: string, init?: RequestInit) => Promise<Response>

async function send(request: Request, event: object): Promise<void> {
  const path = '/api/v1/databases/bench/tables/visible/events'
  const response = await request(path, { method: 'POST', body: JSON.stringify(event) })
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

async function visible(request: Request, number: number): Promise<void> {
  const sql = `select count(*) as n from visible where "try" = ${number}`
  for (;;) {
    const body = JSON.stringify({ sql, database: 'bench', wait_seconds: 20 })
    const submitted = await request('/api/v1/queries', { method: 'POST', body })
    const job = (await submitted.json()) as { id: number; state: string }
    if (job.state === 'success') {
      const result = await request(`/api/v1/jobs/${job.id}/result?format=json`)
      const { rows } = (await result.json()) as { rows: [[number]] }
      if (rows[0][0] === 1) return
    } else if (number !== -1) {
      throw new Error(`the query ended in state ${job.state}`)
    }
  }
}
