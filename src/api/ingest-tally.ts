import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'

/** Bodies that were sent to tables, by door. Counted in plain numbers, which become metrics when somebody asks for them. */
export class IngestTally {
  readonly #doors = new Map<string, { readonly byOutcome: Map<string, number>; bytes: number }>()

  note(door: string, outcome: string, bytes: number): void {
    let counts = this.#doors.get(door)
    if (counts === undefined) {
      counts = { byOutcome: new Map(), bytes: 0 }
      this.#doors.set(door, counts)
    }
    counts.byOutcome.set(outcome, (counts.byOutcome.get(outcome) ?? 0) + 1)
    counts.bytes += bytes
  }

  register(registers: Registry[]): void {
    const doors = this.#doors
    new Counter({
      name: 'biwa_ingest_requests_total',
      help: 'Bodies that were sent to tables, by what came of them: accepted, or the code of the error.',
      labelNames: ['door', 'outcome'],
      registers,
      collect() {
        this.reset()
        for (const [door, { byOutcome }] of doors) {
          for (const [outcome, count] of byOutcome) this.inc({ door, outcome }, count)
        }
      },
    })
    new Counter({
      name: 'biwa_ingest_bytes_total',
      help: 'Bytes of the bodies that were accepted, as they were sent.',
      labelNames: ['door'],
      registers,
      collect() {
        this.reset()
        for (const [door, { bytes }] of doors) this.inc({ door }, bytes)
      },
    })
  }
}
