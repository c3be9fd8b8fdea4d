import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/**
 * Queues some of the jobs whose time has come. Answers their lanes, and in how many milliseconds the next is due among
 * those that are left, at most `horizonMs`.
 */
export async function promoteDue(
  db: Queryable,
  how: { readonly actor: string; readonly limit: number; readonly horizonMs: number },
): Promise<{ promoted: number; laneIds: readonly number[]; nextMs: number }> {
  const rows = await db.query<{ promoted: number; lane_ids: number[] | null; next_ms: number }>(
    sql`
    with due as materialized (
      select job_id, state from job_waiting
       where state <> 'queued' and due_at <= now()
       order by due_at
       limit ${how.limit}
         for update skip locked
    ), promoted as (
      update job_waiting w set state = 'queued'
        from due
       where w.job_id = due.job_id
      returning w.job_id, w.lane_id, w.account_id, w.attempt, due.state as from_state
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason)
      select job_id, account_id, from_state, 'queued', attempt, ${how.actor}, 'due' from promoted
    )
    select (select count(*) from promoted) as promoted,
           (select array_agg(distinct lane_id) from promoted) as lane_ids,
           coalesce((select extract(epoch from due_at - now()) * 1000 from job_waiting
                      where state <> 'queued' and due_at > now()
                        and due_at <= now() + ${how.horizonMs} * interval '1 millisecond'
                      order by due_at limit 1), ${how.horizonMs})::float8 as next_ms`.prepared('jobs_promote'),
  )
  const [row] = rows
  return { promoted: row?.promoted ?? 0, laneIds: row?.lane_ids ?? [], nextMs: row?.next_ms ?? how.horizonMs }
}
