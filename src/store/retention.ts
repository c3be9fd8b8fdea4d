import type { Clock } from '../base/clock.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { forgetAppliedIds, forgetAppliedPlaces, forgetArrivals, forgetSnapshots } from './retention.sql.ts'

export interface RetentionOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  /** For so long a unique id is known, and a repetition under it has no effect. */
  readonly uniqueIdDays: number
}

/** Whoever works on what arrives has done so long before. */
const arrivalDays = 30

const dayMs = 86_400_000

/** How much one call does, of each kind: calls are short, and there is always another one. */
const rowsMax = 20_000

/** Deletes some of the rows of the catalog that are past their time. Returns how many; call it until there are none. */
export async function forgetThePast({ postgres, clock, uniqueIdDays }: RetentionOptions): Promise<number> {
  const now = clock.nowMs()
  const daysAgo = (days: number): Date => new Date(now - days * dayMs)
  const ids = await forgetAppliedIds(postgres, daysAgo(uniqueIdDays), rowsMax)
  const places = await forgetAppliedPlaces(postgres, daysAgo(uniqueIdDays), rowsMax)
  const arrivals = await forgetArrivals(postgres, daysAgo(arrivalDays), rowsMax)
  return ids + places + arrivals + (await forgetSnapshots(postgres, new Date(now), rowsMax))
}
