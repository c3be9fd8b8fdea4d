import type {
  QuarantineEvent,
  QuarantineItem,
  QuarantineRef,
  QuarantinedRecord,
  ReplayedRecords,
} from '../../store/quarantine.ts'
import type { ConvertedBody } from '../convert/tasks.ts'

/** A record of the quarantine that is read again. */
export type ReplayedItem = Pick<QuarantineItem, 'id' | 'revision' | 'reason' | 'detail' | 'history'>

/** What reading records again makes of them: they go, with rows or further records in their place, or stay as they are. */
export class ReplayLedger {
  readonly #jobId: number
  readonly #at: Date
  readonly #released: QuarantineRef[] = []
  readonly #returned: ReplayedRecords['returned'][number][] = []

  constructor(jobId: number, at: Date) {
    this.#jobId = jobId
    this.#at = at
  }

  get records(): ReplayedRecords {
    return { jobId: this.#jobId, released: this.#released, returned: this.#returned }
  }

  /** A record that is still one record that cannot be read stays in its place, with the reason of this time. */
  settle({ id, revision }: ReplayedItem, result: ConvertedBody): 'released' | 'returned' {
    const problem = problemOf(result)
    if (problem === undefined) {
      this.#released.push({ id, revision })
      return 'released'
    }
    this.#returned.push({ id, revision, ...problem })
    return 'returned'
  }

  /** The records that a released one fell into. They begin with its history. */
  partsOf({ reason, detail, history }: ReplayedItem, records: readonly QuarantinedRecord[]): QuarantinedRecord[] {
    const event: QuarantineEvent = {
      what: 'replayed',
      at: this.#at.toISOString(),
      jobId: this.#jobId,
      reason,
      detail,
    }
    return records.map((record) => ({ ...record, history: [...history, event] }))
  }
}

function problemOf({
  rows,
  rejected,
  rejectedRows: [first],
  error,
}: ConvertedBody): { readonly reason: string; readonly detail: string } | undefined {
  if (error !== null) return { reason: error.code, detail: error.message }
  return rows === 0 && rejected === 1 ? first : undefined
}
