import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import type { LoadOrder, LoadReport } from './ingest/load.ts'
import { measureStep, openLoadSession } from './ingest/session.ts'
import type { LoadSession } from './ingest/session.ts'
import type { Options } from './options.ts'
import type { Outcome, Quantiles } from './outcome.ts'
import { median } from './store/rows.ts'

/**
 * Single events, a request each, over connections that are kept: how many in a second are acknowledged, and are on the disk
 * then, beside a bare `node:http` server that answers the same requests and keeps nothing. The two take turns. Everything that
 * follows the acknowledgement, up to where a query has the event, goes on beside it on the same cores.
 */
export async function run(options: Options): Promise<Outcome> {
  const seconds = options.number('seconds')
  const rounds = options.number('rounds')
  const perSecond = options.given('rate') === undefined ? null : options.number('rate')
  const session = await openLoadSession()
  const order = { shape: 'narrow', format: 'ndjson', recordsEach: 1, perSecond, seconds, table: 'events' } as const
  const rates: { biwa: number[]; bare: number[]; ackMsP99: number[] } = { biwa: [], bare: [], ackMsP99: [] }
  const acknowledged: Record<string, Record<string, Quantiles>> = {}
  const cpuMicros: Record<string, Record<string, number>> = {}
  try {
    const load = { ...order, lines: options.number('lines'), comesAgain: false, queries: 0 }
    await measureStep(session, { ...load, door: 'events', seconds: 2, perSecond: null })
    for (let round = 0; round < rounds; round += 1) {
      const step = await measureStep(session, { ...load, door: 'events' })
      const bare = await measureBare(session, load)
      rates.biwa.push(step.acknowledgedPerSecond)
      rates.bare.push(bare.acknowledged / seconds)
      rates.ackMsP99.push(step.ackMs.p99)
      const { ackMs, drainSeconds, refused } = step
      acknowledged[`round ${round + 1}`] = { Biwa: ackMs, 'bare node:http': bare.ackMs }
      cpuMicros[`round ${round + 1}`] = step.cpuSecondsPerMillion
      const cpu = Object.entries(step.cpuSecondsPerMillion).map(([kind, spent]) => `${kind} ${spent}`)
      console.log(
        `  Biwa ${Math.round(step.acknowledgedPerSecond)}/s, ack p50 ${ackMs.p50} p99 ${ackMs.p99} ms, refused ${refused}, all queryable ${drainSeconds.toFixed(1)} s later; bare node:http ${Math.round(bare.acknowledged / seconds)}/s, p99 ${bare.ackMs.p99} ms; CPU µs an event: ${cpu.join(', ')}`,
      )
    }
  } finally {
    await session.close()
  }
  const result = {
    acknowledgedPerSecond: median(rates.biwa),
    barePerSecond: median(rates.bare),
    ackMsP99: median(rates.ackMsP99),
  }
  const ratio = (result.acknowledgedPerSecond / result.barePerSecond).toFixed(2)
  console.log(`${Math.round(result.acknowledgedPerSecond)} acknowledged events/s, ${ratio} × bare node:http`)
  const yardstick = 'bare node:http'
  const rows = {
    [`${options.text('lines')} connections`]: { Biwa: result.acknowledgedPerSecond, [yardstick]: result.barePerSecond },
  }
  return {
    figures: result,
    sections: [
      { kind: 'amounts', title: 'Acknowledged', unit: 'events/s', better: 'more', yardstick, rows },
      { kind: 'quantiles', title: 'Until it is acknowledged', unit: 'ms', yardstick, rows: acknowledged },
      { kind: 'amounts', title: 'Processor time', unit: 'µs an event', better: 'less', rows: cpuMicros },
    ],
  }
}

async function measureBare(
  session: LoadSession,
  order: Omit<LoadOrder, 'door' | 'port' | 'apiKey' | 'run' | 'startSeconds'>,
): Promise<LoadReport> {
  const server = fork(resolve(import.meta.dirname, 'ingest/bare-server.ts'), { execArgv: ['--import', 'tsx'] })
  const [port] = (await once(server, 'message')) as [number]
  try {
    return await session.loader.run({
      ...order,
      door: 'bare',
      port,
      apiKey: 'none',
      run: 'bare',
      startSeconds: 1_700_000_000,
    })
  } finally {
    server.disconnect()
  }
}
