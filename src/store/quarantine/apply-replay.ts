import type { Queryable } from '../../base/postgres/postgres.ts'
import type { ReplayedRecords } from '../quarantine.ts'
import { releaseEntries, returnEntries } from './entries.sql.ts'
import { storableDetail } from './keep-records.ts'

/** Whether all of the records were still what they had been when they were read; if not, the transaction has to be undone. */
export async function applyReplay(tx: Queryable, accountId: number, replayed: ReplayedRecords): Promise<boolean> {
  const { jobId, released } = replayed
  const returned = replayed.returned.map((entry) => ({ ...entry, detail: storableDetail(entry.detail) }))
  const gone = released.length === 0 ? 0 : await releaseEntries(tx, accountId, released)
  const back = returned.length === 0 ? 0 : await returnEntries(tx, accountId, { jobId, returned })
  return gone === released.length && back === returned.length
}
