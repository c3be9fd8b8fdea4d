import { mergeKind } from '../../../src/store/merge/merge-job.ts'
import type { Rows } from '../database/rows.ts'
import type { Transaction } from '../database/transaction.ts'

/** How often each situation occurred, by its name. */
export type SituationCounts = Readonly<Record<string, number>>

/**
 * Counts what the worlds get into. A promise that held in a million worlds says little where the situations that could break it
 * never occurred: whoever changes what worlds are like compares these counts for each second of the processor.
 */
export class Situations {
  readonly counts: Record<string, number> = {}

  note(situation: string, times = 1): void {
    this.counts[situation] = (this.counts[situation] ?? 0) + times
  }

  /** What the answer to a statement tells of the world. */
  onAnswer(statement: string, answer: readonly unknown[], rows: Rows): void {
    const told = answer.length > 0 ? toldByRows[statement] : toldByNoRows[statement]
    if (told !== undefined) this.note(told)
    if (told === filesGo && runs(rows, mergeKind)) this.note('files are swept while a merge runs')
  }

  onCommit(tx: Transaction, rows: Rows): void {
    if (tx.waits > 0) this.note('a transaction waited for a row of another one')
    for (const { operation, table_id: tableId } of tx.changed(rows.snapshots)) {
      this.note(`${operation === 'import' ? 'an' : 'a'} ${operation} is committed`)
      // The accounts of these worlds have one table each, of the same number.
      const others = [...rows.running.rows.values()].filter(
        ({ account_id: id, lease_owner: owner }) => id === tableId && owner !== tx.owner,
      )
      if (others.length > 0) this.note('a table is committed to while another worker has a job for it')
      if (operation === 'import' && runs(rows, mergeKind)) this.note('an import is committed while a merge runs')
    }
  }
}

const filesGo = 'files are swept'

const toldByRows: Readonly<Record<string, string>> = {
  lockExpired: 'a lease has expired',
  selectAppliedIds: 'a body is known already',
  selectJobsByKey: 'a job is submitted again',
  insertQuarantine: 'a body goes into the quarantine',
  expireHistory: 'removed chunks are expired',
  selectDueRemovals: filesGo,
  hasOpenTransaction: 'orphans wait for an old transaction',
  selectKnownChunks: 'orphans are held against the catalog',
}

const toldByNoRows: Readonly<Record<string, string>> = {
  holdLease: 'a commit finds that its lease is lost',
  lockLease: 'an end finds that its lease is lost',
  endRequest: 'a merge comes to its end',
}

function runs(rows: Rows, kind: string): boolean {
  return [...rows.running.rows.keys()].some((jobId) => rows.jobs.rows.get(Number(jobId))?.kind === kind)
}
