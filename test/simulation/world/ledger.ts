import { simulatedRecord } from '../simulated-engines.ts'
import type { SimulatedRecord } from '../simulated-engines.ts'
import type { PlannedBody } from './plan.ts'

/** A body as its sender knows it. */
export interface SentBody {
  readonly number: number
  readonly planned: PlannedBody
  readonly records: readonly SimulatedRecord[]
  acknowledged: boolean
  /** How often it was handed to a server: with an id, any number of times is one. */
  sent: number
}

/** What was sent, and what was promised: all that the outside knows of a world. */
export class Ledger {
  readonly bodies: readonly SentBody[]
  readonly #bodyOfRecord = new Map<string, SentBody>()
  readonly violations: string[] = []

  constructor(planned: readonly PlannedBody[], startMs: number) {
    // Of an hour that is over, so that merges may put them into the archive.
    const baseSeconds = Math.floor(startMs / 1000) - 7200
    this.bodies = planned.map((one, number) => {
      const records = Array.from({ length: one.records }, (_, index) =>
        simulatedRecord(`${number}.${index}`, baseSeconds + number, one.padding),
      )
      const body: SentBody = { number, planned: one, records, acknowledged: false, sent: 0 }
      for (const { id } of records) this.#bodyOfRecord.set(id, body)
      return body
    })
  }

  bodyOfRecord(id: string): SentBody | undefined {
    return this.#bodyOfRecord.get(id)
  }

  /** Says that something is not as it has to be. */
  violate(what: string): void {
    this.violations.push(what)
  }
}
