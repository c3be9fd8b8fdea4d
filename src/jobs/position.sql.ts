import type { Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** A job goes before those of one step less of priority for as long as these have not waited longer by this time. */
const ageingMs = 15 * 60_000

/** The place in the lane's order; see the column `position` of `job_waiting`. */
export function positionOf(dueAt: Sql, priority: Sql): Sql {
  return sql`(extract(epoch from ${dueAt}) * 1000000)::bigint - ${priority} * ${ageingMs * 1000}::bigint`
}

/** The same, of what was read: it may lie before the exact place, by less than a millisecond. */
export function positionOfDue(dueAt: Date, priority: number): number {
  return (dueAt.getTime() - priority * ageingMs) * 1000
}

/** When the job at this place was due. */
export function dueAtOf(position: number, priority: number): Date {
  return new Date(Math.floor(position / 1000) + priority * ageingMs)
}

/** Before all others. */
export const positionMin = Number.MIN_SAFE_INTEGER
