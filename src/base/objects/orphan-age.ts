import type { Clock } from '../clock.ts'
import { hasOpenTransaction } from '../postgres/open-transactions.ts'
import type { Queryable } from '../postgres/postgres.ts'

/** An object of this age that nothing refers to is taken for abandoned. */
export const orphanAgeMs = 24 * 3600 * 1000

/**
 * Whether an object that was written then may still be referred to: it has not half of the age of an orphan, which is a wide berth for clocks
 * that differ. To be asked within the transaction that is to refer to it: whoever slept before it began, as a machine can, is late.
 */
export function mayBeReferredTo(madeMs: number, clock: Clock): boolean {
  return madeMs > clock.nowMs() - orphanAgeMs / 2
}

/** Those of the keys that something refers to, or may refer to as soon as a transaction that is open by now has ended. */
export async function knownOrOpen(
  db: Queryable,
  keys: readonly string[],
  select: (db: Queryable, keys: readonly string[]) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  return (await mayBeInTransaction(db)) ? keys : await select(db, keys)
}

/**
 * Whether objects may be in the hands of a transaction that is as old as they are: a machine can sleep for a day in the middle of a commit.
 * Commits, intakes and uploads of parts refer to young objects only (`mayBeReferredTo`). So whatever is an orphan by now belongs to none
 * that is younger than this, and what older ones did can be seen as soon as they are over. That has to be asked before what is referred to.
 */
function mayBeInTransaction(db: Queryable): Promise<boolean> {
  return hasOpenTransaction(db, orphanAgeMs / 4 / 1000)
}
