export const rowsPerBatch = 20

/** What a sender knows of its batches. Whatever is not said here may be in the table, whole, or not be there. */
export class Ledger {
  /** To be in the table, once. */
  readonly acknowledged = new Set<string>()
  readonly tried = new Set<string>()
  /** Refused for good, each time that they were sent: not to be in the table. */
  readonly refused = new Set<string>()
  /** Were in the table, and were deleted. */
  readonly deleted = new Set<string>()
  /** Whether records are kept one by one: a batch that was not acknowledged may be there in part. */
  isByRecord = false
}

/** What a table holds of a batch: `rows`, of which so many are different. */
export interface Found {
  readonly batch: string
  readonly rows: number
  readonly different: number
}

/** What must never be. */
export interface Violation {
  readonly kind: 'lost' | 'doubled' | 'other'
  readonly text: string
}

export const otherViolation = (text: string): Violation => ({ kind: 'other', text })

/** What is in a table that should not be there, or not in this way, and what is missing. */
export function violationsOf(table: string, ledger: Ledger, found: readonly Found[]): Violation[] {
  const violations: Violation[] = []
  const note = (kind: Violation['kind'], text: string): void =>
    void violations.push({ kind, text: `${table}: ${text}` })
  const there = new Set<string>()
  for (const { batch, rows, different } of found) {
    there.add(batch)
    if (!ledger.tried.has(batch)) note('other', `${batch} is there, and was never sent`)
    if (ledger.deleted.has(batch)) note('other', `${batch} was deleted, and is there again`)
    if (ledger.refused.has(batch)) note('other', `${batch} was refused, and is there`)
    const isPart = ledger.isByRecord && !ledger.acknowledged.has(batch) && rows === different
    if ((rows !== rowsPerBatch || different !== rowsPerBatch) && !isPart) {
      const kind = rows > different ? 'doubled' : different < rowsPerBatch ? 'lost' : 'other'
      note(kind, `${batch} has ${rows} rows, ${different} different ones, and not ${rowsPerBatch}`)
    }
  }
  for (const batch of ledger.acknowledged) {
    if (!there.has(batch) && !ledger.deleted.has(batch)) note('lost', `${batch} was acknowledged, and is lost`)
  }
  return violations
}
