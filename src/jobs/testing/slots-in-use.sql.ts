import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

export interface PeakOfLimit {
  readonly key: string
  readonly slots: number
  readonly used: number
  /** The most slots that leases held at once, by the history alone. */
  readonly peak: number
  readonly leases: number
}

/**
 * How many slots of each limit were ever in use at once: a line swept over all leases that the history tells of, from
 * `acquired_at` to `at`. A lease that ends in the microsecond in which another begins has made room for it.
 */
export function peaksOfLimits(db: Queryable): Promise<PeakOfLimit[]> {
  return db.query(sql`
    with leases as (
      select held.limit_id, held.weight, h.acquired_at, h.at
        from job_history h
       cross join lateral unnest(h.limit_ids, h.weights) as held (limit_id, weight)
    ), changes as (
      select limit_id, acquired_at as at, weight as change from leases
      union all
      select limit_id, at, -weight from leases
    ), swept as (
      select limit_id, sum(change) over (partition by limit_id order by at, change) as in_use from changes
    )
    select key, slots, used, coalesce(max(in_use), 0)::integer as peak,
           (select count(*)::integer from leases where limit_id = id) as leases
      from job_limits left join swept on limit_id = id
     group by id, key, slots, used
     order by id`)
}

export async function insertLimit(db: Queryable, key: string, slots: number): Promise<void> {
  await db.query(sql`insert into job_limits (key, slots) values (${key}, ${slots})`)
}
