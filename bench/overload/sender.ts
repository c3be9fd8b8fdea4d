import { setTimeout as sleep } from 'node:timers/promises'

import type { AccountKey } from '../accounts.ts'
import type { Loader, LoadOrder, LoadReport } from '../ingest/load.ts'

/** Where a server takes what is sent. */
export interface Place {
  readonly url: string
  /** Of the door that is sent to. */
  readonly port: number
}

/** What is sent where, and how: the rest of an order says how much. */
export type Manner = Pick<LoadOrder, 'door' | 'table' | 'recordsEach'>

/** How much of it, and whether what is refused is sent again when the answer says. */
export type Amount = Pick<LoadOrder, 'perSecond' | 'lines' | 'seconds' | 'comesAgain'>

/** What was acknowledged and cannot be queried by then is taken for lost. */
const settledMsMax = 120_000

/** What one account sends to one table of its own. */
export class Sender {
  readonly #place: Place
  readonly #account: AccountKey
  readonly #loader: Loader
  readonly #manner: Manner
  #runs = 0
  #acknowledged = 0

  constructor(place: Place, account: AccountKey, loader: Loader, manner: Manner) {
    this.#place = place
    this.#account = account
    this.#loader = loader
    this.#manner = manner
  }

  async send(how: Amount): Promise<LoadReport> {
    const report = await this.#loader.run({
      ...this.#manner,
      ...how,
      shape: 'narrow',
      format: this.#manner.door === 'import' ? 'msgpack' : 'ndjson',
      port: this.#place.port,
      apiKey: this.#account.apiKey,
      run: `${this.#account.name}-${process.pid}-${this.#runs++}`,
      startSeconds: Math.floor(Date.now() / 1000),
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
    const patience = performance.now() + settledMsMax
    for (;;) {
      const rows = await this.#rows()
      if (rows >= this.#acknowledged) return [rows, performance.now()]
      if (performance.now() > patience) throw new Error(`${this.#acknowledged - rows} acknowledged records never came`)
      await sleep(50)
    }
  }

  async #rows(): Promise<number> {
    const headers = { authorization: `Bearer ${this.#account.apiKey}` }
    const response = await fetch(`${this.#place.url}/api/v1/databases/bench/tables/${this.#manner.table}`, { headers })
    if (response.status === 404) return 0
    if (!response.ok) throw new Error(`the table's rows: ${response.status} ${await response.text()}`)
    return ((await response.json()) as { rows: number }).rows
  }
}

export interface Goodput {
  /** Records that became queryable. */
  readonly perSecond: number
  readonly report: LoadReport
}
