import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** A lane that has jobs to acquire. */
export interface LaneRow {
  readonly id: number
  readonly kind: string
  readonly account_id: number | null
  readonly limit_keys: readonly string[]
  readonly weights: readonly number[]
  /** The limits that count its jobs now; empty for most lanes. */
  readonly limit_ids: readonly number[]
  /** Of its first job. */
  readonly position: number
}

const laneColumns = sql`
  l.id, l.kind, l.account_id, l.limit_keys, l.weights,
  array (select m.id from job_limits m where m.key = any (l.limit_keys) order by m.id) as limit_ids`

/** These lanes, whatever their kinds and whether or not they have jobs. */
export function selectLanes(db: Queryable, ids: readonly number[]): Promise<Omit<LaneRow, 'position'>[]> {
  const statement = sql`select ${laneColumns} from job_lanes l where l.id = any (${ids}::bigint[])`
  return db.query(statement.prepared('jobs_lanes'))
}

/** The lanes of these kinds that have queued jobs. */
export function selectActiveLanes(db: Queryable, kinds: readonly string[]): Promise<LaneRow[]> {
  const statement = sql`
    select ${laneColumns}, head.position
      from job_lanes l
     cross join lateral (
             select position from job_waiting
              where lane_id = l.id and state = 'queued'
              order by position, job_id
              limit 1
           ) as head
     where l.kind = any (${kinds}::text[])`
  return db.query(statement.prepared('jobs_active_lanes'))
}

/** How many jobs of each account and kind run, in all workers. */
export function countRunning(
  db: Queryable,
  kinds: readonly string[],
): Promise<{ kind: string; account_id: number | null; count: number }[]> {
  const statement = sql`
    select l.kind, l.account_id, sum(r.count)::integer as count
      from (select lane_id, count(*) as count from job_running group by lane_id) r
     cross join lateral (select kind, account_id from job_lanes where id = r.lane_id offset 0) l
     where l.kind = any (${kinds}::text[])
     group by l.kind, l.account_id`
  return db.query(statement.prepared('jobs_count_running'))
}
