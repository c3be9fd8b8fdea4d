import { AppError } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { holdLease } from './commit.sql.ts'
import type { Commit } from './store.ts'

/** Fails with `lease_lost` unless the job of the fence still holds its lease, and keeps it until the transaction ends. */
export async function requireLease(tx: Queryable, fence: Commit['fence']): Promise<void> {
  if (fence === undefined || (await holdLease(tx, fence))) return
  throw new AppError('lease_lost', `Job ${fence.jobId} is no longer run by this attempt; nothing was committed.`)
}
