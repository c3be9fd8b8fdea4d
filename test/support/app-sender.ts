import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

interface Answer {
  readonly receipts: readonly { readonly success: boolean }[]
}

const eventsPerRequest = 20

/** How often an app goes away before it hears the answer. */
const impatience = 0.3

/** An app as the mobile SDKs make it: it keeps its events, and sends them until each has its receipt. */
export class AppSender {
  /** Ids of events that have a receipt. */
  readonly acknowledged = new Set<string>()
  /** Ids of events that were sent more than once. */
  readonly repeated = new Set<string>()
  readonly #url: string
  readonly #key: string
  readonly #sent = new Set<string>()
  #waiting: string[] = []

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  /** Makes events until it is to stop, and then sends what is left. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted || this.#waiting.length > 0) {
      if (!signal.aborted) this.#waiting.push(...Array.from({ length: eventsPerRequest / 2 }, () => randomUUID()))
      const batch = this.#waiting.slice(0, eventsPerRequest)
      const receipts = await this.#send(batch, signal.aborted)
      const done = new Set(batch.filter((_, place) => receipts[place]?.success === true))
      for (const uuid of done) this.acknowledged.add(uuid)
      this.#waiting = this.#waiting.filter((uuid) => !done.has(uuid))
    }
  }

  /** The receipts; none where nobody answered, or nobody waited for it. */
  async #send(batch: readonly string[], isPatient: boolean): Promise<Answer['receipts']> {
    for (const uuid of batch) (this.#sent.has(uuid) ? this.repeated : this.#sent).add(uuid)
    const leave = new AbortController()
    if (!isPatient && Math.random() < impatience) setTimeout(() => leave.abort(), Math.random() * 20)
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { authorization: `TD1 ${this.#key}`, 'content-type': 'application/vnd.treasuredata.v1+json' },
        body: JSON.stringify({ events: batch.map((uuid) => ({ uuid, kind: 'tap' })) }),
        signal: leave.signal,
      })
      if (response.status === 200) return ((await response.json()) as Answer).receipts
      await response.arrayBuffer()
    } catch {
      // The server was killed, or the app went away: both send the events again.
    }
    await sleep(20)
    return []
  }
}
