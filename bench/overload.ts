import { setPriority } from 'node:os'

import { must } from '../src/base/errors.ts'
import { niceness } from '../src/server/process-order.ts'
import { startBiwa } from '../test/support/biwa.ts'
import { freePort } from '../test/support/free-port.ts'
import { createAccounts } from './accounts.ts'
import { startLoader } from './ingest/load.ts'
import type { LoadReport } from './ingest/load.ts'
import type { Options } from './options.ts'
import type { Outcome } from './outcome.ts'
import { memoryDuring, most } from './overload/memory.ts'
import type { Amounts } from './overload/memory.ts'
import { startNeighbour } from './overload/neighbour.ts'
import type { Waits } from './overload/neighbour.ts'
import { coresDuring } from './overload/processors.ts'
import { Sender } from './overload/sender.ts'
import type { Goodput, Manner } from './overload/sender.ts'
import { startServer } from './queue/server.ts'

/** What one that sends with all its might sends at a time through each door. */
const manners: Readonly<Record<string, Manner>> = {
  import: { door: 'import', table: 'flood', recordsEach: 10_000 },
  forward: { door: 'forward', table: 'flood', recordsEach: 10_000 },
  events: { door: 'events', table: 'flood', recordsEach: 1 },
}

/**
 * How far the server stands back behind the neighbour's client, who in life has a machine of its own: what it waits for is the server
 * then, and not its own turn. No more, for merges stand back by 15 besides, and there is no more than 19. The flood's client, who needs a
 * third of a core, has a machine of its own as well: it does not stand beside the doors, but behind them.
 */
const distance = 4

/**
 * One account offers many times what the machine can take in, by clients that heed nothing and send on at once.
 *
 * - The peak is what can be queried of it when its senders go as fast as they are answered, and heed what the answers say.
 * - Goodput is what can be queried of it under the flood, which begins behind a backlog that is full.
 * - Another account sends single events. How long they take is measured three times: with nothing else to do, beside the peak, which is a
 *   machine in full use, and beside the flood.
 * - A bare server that writes each event durably and answers gets the same events at the same time: what it takes is what this machine
 *   gives beside that load to a process that hardly does anything.
 * - Memory is looked at twice a second: what it is at most beside the peak, at most in the first tenth of the flood, and at most in all of it.
 */
export async function run(options: Options): Promise<Outcome> {
  const seconds = options.number('seconds')
  const factor = options.number('factor')
  const manner = must(manners[options.text('door')], '--door is import, forward or events')
  const neighbour = await startNeighbour()
  setPriority(distance)
  const database = await startServer()
  const [crowd, other] = await createAccounts(database.url, ['crowd', 'neighbour'])
  if (crowd === undefined || other === undefined) throw new Error('there are accounts')
  const forwardPort = await freePort()
  const backlog = options.number('backlog')
  const biwa = await startBiwa({
    arguments: [
      `--database-url=${database.url}`,
      `--backlog-seconds=${backlog}`,
      `--fluent-port=${forwardPort}`,
      `--fluent-api-key=${crowd.apiKey}`,
    ],
  })
  const loader = await startLoader()
  setPriority(loader.pid, distance + niceness.worker)
  try {
    const place = { url: biwa.url, port: Number(new URL(biwa.url).port) }
    const floodPlace = manner.door === 'forward' ? { ...place, port: forwardPort } : place
    const flood = new Sender(floodPlace, crowd, loader, manner)
    const events = await neighbour.meet(place, other)
    const supervisor = biwa.supervisor.pid ?? 0

    const full = { perSecond: null, lines: 16, comesAgain: true }
    await Promise.all([flood.send({ ...full, seconds: 3 }), events(3)])
    await flood.settled()
    const idle = await events(seconds / 3)
    console.log(`the neighbour alone: ${waited(idle)}`)

    const peaking = flood.goodput(() => flood.send({ ...full, seconds: seconds / 3 }), true)
    const [peak, usual, usualMemory, usualCores] = await Promise.all([
      peaking,
      events(seconds / 3),
      memoryDuring(supervisor, peaking),
      coresDuring(supervisor, loader.pid, peaking),
    ])
    console.log(`peak ${shown(peak.perSecond)} records/s can be queried; ${told(peak.report)}`)
    console.log(`the neighbour beside it: ${waited(usual)}`)

    const offer = { perSecond: peak.perSecond * factor, lines: options.number('lines'), comesAgain: false }
    await flood.send({ ...offer, seconds: backlog * 2 })
    const flooding = flood.goodput(() => flood.send({ ...offer, seconds }))
    const [overloaded, pressed, memoryLooks, floodCores] = await Promise.all([
      flooding,
      events(seconds),
      memoryDuring(supervisor, flooding),
      coresDuring(supervisor, loader.pid, flooding),
    ])
    const { acknowledged, refused } = overloaded.report
    const sentFactor = (acknowledged + refused) / seconds / peak.perSecond
    console.log(
      `offered ${factor} times as much, of which ${sentFactor.toFixed(1)} times were sent: ${shown(overloaded.perSecond)} records/s can be queried; ${told(overloaded.report)}`,
    )
    console.log(`the neighbour beside it: ${waited(pressed)}`)
    const memory = {
      'at the peak': most(usualMemory),
      'as the flood begins': most(memoryLooks.slice(0, Math.ceil(memoryLooks.length / 10))),
      'under the flood': most(memoryLooks),
    }
    for (const [when, amounts] of Object.entries(memory)) console.log(`MiB ${when}: ${JSON.stringify(amounts)}`)
    const cores = { 'at the peak': usualCores, 'under the flood': floodCores }
    for (const [when, amounts] of Object.entries(cores)) console.log(`cores ${when}: ${JSON.stringify(amounts)}`)
    return outcome({ peak, overloaded, idle, usual, pressed, memory, cores })
  } finally {
    neighbour.stop()
    loader.stop()
    await biwa.stop()
    await database.stop()
  }
}

interface Figures {
  readonly peak: Goodput
  readonly overloaded: Goodput
  readonly idle: Waits
  readonly usual: Waits
  readonly pressed: Waits
  readonly memory: Readonly<Record<string, Amounts>>
  readonly cores: Readonly<Record<string, Amounts>>
}

function outcome(figures: Figures): Outcome {
  const { peak, overloaded, idle, usual, pressed, memory, cores } = figures
  const goodput = { Biwa: overloaded.perSecond, 'at its peak': peak.perSecond }
  return {
    figures,
    sections: [
      {
        kind: 'amounts',
        title: 'Can be queried',
        unit: 'records/s',
        better: 'more',
        yardstick: 'at its peak',
        rows: { 'under the flood': goodput },
      },
      {
        kind: 'quantiles',
        title: 'Refusals of the flood',
        unit: 'ms',
        rows: { 'under the flood': { Biwa: overloaded.report.refusalMs } },
      },
      {
        kind: 'quantiles',
        title: 'Acknowledgements of the neighbour’s events',
        unit: 'ms',
        yardstick: 'bare node:http',
        rows: {
          alone: { ...idle },
          'beside the peak': { ...usual },
          'beside the flood': { ...pressed },
        },
      },
      { kind: 'amounts', title: 'Memory', unit: 'MiB', better: 'less', rows: memory },
      { kind: 'amounts', title: 'Processor time', unit: 'cores', better: 'less', rows: cores },
    ],
  }
}

function waited(waits: Waits): string {
  return Object.entries(waits)
    .map(([who, { p50, p90, p99, max }]) => `${who} p50 ${p50} p90 ${p90} p99 ${p99} max ${max} ms`)
    .join('; ')
}

function told({ acknowledged, refused, ackMs, refusalMs }: LoadReport): string {
  return (
    `acknowledged ${shown(acknowledged)} within p50 ${ackMs.p50} p99 ${ackMs.p99} ms, ` +
    `refused ${shown(refused)} within p50 ${refusalMs.p50} p99 ${refusalMs.p99} ms`
  )
}

const shown = (records: number): string => Math.round(records).toLocaleString('en')
