import { setTimeout as sleep } from 'node:timers/promises'

import { startBiwa } from '../test/support/biwa.ts'
import type { Biwa } from '../test/support/biwa.ts'
import { createAccounts } from './accounts.ts'
import type { AccountKey } from './accounts.ts'
import { startLoader } from './ingest/load.ts'
import type { Loader, LoadOrder, LoadReport } from './ingest/load.ts'
import type { Options } from './options.ts'
import { mapped } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { memoryOf, peaksDuring } from './overload/memory.ts'
import { startServer } from './queue/server.ts'

const recordsEach = 10_000

/** Events a second of the neighbour, who has a connection for each that may be under way. */
const neighbour = { perSecond: 20, lines: 8 }

/**
 * One account offers many times what the machine can take in, by clients that heed nothing and send on at once. Shown are what of it can
 * be queried, beside what could be when it was sent as it was answered; how soon refusals come; what memory does; and how long
 * another account’s events take until they are acknowledged, alone and beside the flood. The flood begins behind a backlog that is full.
 */
export async function run(options: Options): Promise<Outcome> {
  const seconds = options.number('seconds')
  const factor = options.number('factor')
  const database = await startServer()
  const biwa = await startBiwa({
    arguments: [`--database-url=${database.url}`, `--backlog-seconds=${options.number('backlog')}`],
  })
  const loaders = await Promise.all([startLoader(), startLoader()])
  try {
    const [crowd, other] = await createAccounts(database.url, ['crowd', 'neighbour'])
    if (crowd === undefined || other === undefined) throw new Error('there are accounts')
    const flood = new Sender(biwa, crowd, loaders[0], { door: 'import', table: 'flood', recordsEach })
    const events = new Sender(biwa, other, loaders[1], { door: 'events', table: 'events', recordsEach: 1 })
    const supervisor = biwa.supervisor.pid ?? 0

    await Promise.all([
      flood.send({ perSecond: null, lines: 16, seconds: 3 }),
      events.send({ ...neighbour, seconds: 3 }),
    ])
    await flood.settled()
    const peak = await flood.goodput(() => flood.send({ perSecond: null, lines: 16, seconds: seconds / 3 }), true)
    console.log(`peak ${shown(peak.perSecond)} records/s can be queried; ${told(peak.report)}`)
    await flood.settled()
    const calm = await events.send({ ...neighbour, seconds: seconds / 3 })
    console.log(`the neighbour alone: ack p50 ${calm.ackMs.p50} p99 ${calm.ackMs.p99} ms`)

    const offer = { perSecond: peak.perSecond * factor, lines: options.number('lines') }
    await flood.send({ ...offer, seconds: options.number('backlog') * 2 })
    const before = memoryOf(supervisor)
    const beside = events.send({ ...neighbour, seconds })
    const flooding = flood.goodput(() => flood.send({ ...offer, seconds }))
    const [overloaded, pressed, peaks] = await Promise.all([flooding, beside, peaksDuring(supervisor, flooding)])
    console.log(
      `offered ${factor} times as much: ${shown(overloaded.perSecond)} records/s can be queried; ${told(overloaded.report)}`,
    )
    console.log(`the neighbour beside it: ack p50 ${pressed.ackMs.p50} p99 ${pressed.ackMs.p99} ms`)
    const memory = { before: mapped(before, Math.round), most: mapped(peaks, Math.round) }
    console.log(`MiB before ${JSON.stringify(memory.before)}, at most ${JSON.stringify(memory.most)}`)

    const goodput = { Biwa: overloaded.perSecond, 'at its peak': peak.perSecond }
    return {
      figures: { peak, overloaded, calm, pressed, memory },
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
          title: 'Answers',
          unit: 'ms',
          rows: {
            'refusals of the flood': { Biwa: overloaded.report.refusalMs },
            'the neighbour’s acknowledgements, alone': { Biwa: calm.ackMs },
            'the neighbour’s acknowledgements, beside the flood': { Biwa: pressed.ackMs },
          },
        },
        { kind: 'amounts', title: 'Memory', unit: 'MiB', better: 'less', rows: memory },
      ],
    }
  } finally {
    for (const loader of loaders) loader.stop()
    await biwa.stop()
    await database.stop()
  }
}

interface Goodput {
  /** Records that became queryable. */
  readonly perSecond: number
  readonly report: LoadReport
}

/** What one account sends to one table of its own. */
class Sender {
  readonly #biwa: Biwa
  readonly #account: AccountKey
  readonly #loader: Loader
  readonly #what: Pick<LoadOrder, 'door' | 'table' | 'recordsEach'>
  #runs = 0
  #acknowledged = 0

  constructor(
    biwa: Biwa,
    account: AccountKey,
    loader: Loader,
    what: Pick<LoadOrder, 'door' | 'table' | 'recordsEach'>,
  ) {
    this.#biwa = biwa
    this.#account = account
    this.#loader = loader
    this.#what = what
  }

  async send(how: Pick<LoadOrder, 'perSecond' | 'lines' | 'seconds'>): Promise<LoadReport> {
    const report = await this.#loader.run({
      ...this.#what,
      ...how,
      shape: 'narrow',
      format: this.#what.door === 'import' ? 'msgpack' : 'ndjson',
      port: Number(new URL(this.#biwa.url).port),
      apiKey: this.#account.apiKey,
      run: `${this.#account.name}-${process.pid}-${this.#runs++}`,
      startSeconds: Math.floor(Date.now() / 1000),
      comesAgain: false,
    })
    this.#acknowledged += report.acknowledged
    return report
  }

  /** Until it is sent or, `toItsEnd`, until the last of it can be queried. */
  async goodput(send: () => Promise<LoadReport>, toItsEnd = false): Promise<Goodput> {
    const [before, start] = [await this.#rows(), performance.now()]
    const report = await send()
    const [rows, end] = toItsEnd ? await this.settled() : [await this.#rows(), performance.now()]
    return { perSecond: ((rows - before) * 1000) / (end - start), report }
  }

  /** Resolves when all that was acknowledged can be queried, with how many records that are, and when it was so. */
  async settled(): Promise<[rows: number, at: number]> {
    for (;;) {
      const rows = await this.#rows()
      if (rows >= this.#acknowledged) return [rows, performance.now()]
      await sleep(50)
    }
  }

  async #rows(): Promise<number> {
    const headers = { authorization: `Bearer ${this.#account.apiKey}` }
    const response = await fetch(`${this.#biwa.url}/api/v1/databases/bench/tables/${this.#what.table}`, { headers })
    if (response.status === 404) return 0
    return ((await response.json()) as { rows: number }).rows
  }
}

function told({ acknowledged, refused, ackMs, refusalMs }: LoadReport): string {
  return (
    `acknowledged ${shown(acknowledged)} within p50 ${ackMs.p50} p99 ${ackMs.p99} ms, ` +
    `refused ${shown(refused)} within p50 ${refusalMs.p50} p99 ${refusalMs.p99} ms`
  )
}

const shown = (records: number): string => Math.round(records).toLocaleString('en')
