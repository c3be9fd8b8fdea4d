import type { Principal } from '../../../src/access/access.ts'
import type { ImportRequest } from '../../../src/collect/collect.ts'
import { bytesOf } from '../simulated-engines.ts'
import type { Timeline } from '../timeline.ts'
import type { Ledger, SentBody } from './ledger.ts'
import type { Machine } from './machine.ts'

const patienceMs = 2500
const againMs = 120

export interface SendersOptions {
  readonly timeline: Timeline
  readonly machine: Machine
  readonly ledger: Ledger
  readonly trace: ((line: string) => void) | undefined
}

/**
 * Clients that send bodies, and send what has an id again until it is acknowledged. What has none is sent once: whoever gets
 * no answer cannot know.
 */
export class Senders {
  readonly #options: SendersOptions
  #open = 0

  constructor(options: SendersOptions) {
    this.#options = options
  }

  get areDone(): boolean {
    return this.#open === 0
  }

  start(): void {
    const { timeline, ledger } = this.#options
    for (const body of ledger.bodies) {
      this.#open += 1
      timeline.after(body.planned.atMs, undefined, () => this.#send(body))
    }
  }

  #send(body: SentBody): void {
    const { timeline, machine, trace } = this.#options
    const { collect } = machine
    if (collect === undefined) return void timeline.after(againMs, undefined, () => this.#send(body))
    body.sent += 1
    trace?.(`body ${body.number} is sent`)
    let isOpen = true
    const end = (next: () => void): void => {
      if (!isOpen) return
      isOpen = false
      next()
    }
    const giveUp = timeline.after(patienceMs, undefined, () => end(() => this.#sendAgain(body)))
    collect.accept(requestOf(body)).then(
      () => {
        giveUp()
        body.acknowledged = true
        trace?.(`body ${body.number} is acknowledged`)
        end(() => this.#heard(body))
      },
      (error: unknown) => {
        giveUp()
        trace?.(`body ${body.number} is refused: ${String(error)}`)
        end(() => this.#sendAgain(body))
      },
    )
  }

  #heard(body: SentBody): void {
    const { isRepeated, hasId } = body.planned
    if (isRepeated && hasId && body.sent === 1) this.#sendAgain(body)
    else this.#open -= 1
  }

  #sendAgain(body: SentBody): void {
    if (body.planned.hasId) this.#options.timeline.after(againMs, undefined, () => this.#send(body))
    else this.#open -= 1
  }
}

export function uniqueIdOf(body: SentBody): string | null {
  return body.planned.hasId ? `body ${body.number}` : null
}

function requestOf(body: SentBody): ImportRequest {
  const principal: Principal = {
    accountId: body.planned.account,
    userId: 1,
    keyId: 1,
    keyKind: 'full',
    role: 'owner',
  }
  return {
    principal,
    database: 'd',
    table: 't',
    uniqueId: uniqueIdOf(body),
    format: 'ndjson',
    encoding: 'identity',
    timeColumn: null,
    body: bytesOf(body.records),
  }
}
