import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobState } from './jobs.ts'

/** A limit that counts the job, and how many slots the job takes of it. */
export interface LimitFacts {
  readonly key: string
  readonly slots: number
  readonly used: number
  readonly wants: number
  /** As JSON has it; null where it is not paused now. */
  readonly paused_until: string | null
}

/** All that decides when a waiting job is acquired, as of one moment. */
export interface WaitingFacts {
  readonly kind: string
  readonly state: Extract<JobState, 'queued' | 'delayed' | 'retry_wait'>
  readonly due_at: Date
  readonly is_due: boolean
  /** Queued jobs of the lane that come first, as far as they were counted. */
  readonly ahead: number
  readonly limits: readonly LimitFacts[]
  /** How many jobs of the kind the workers that take any run at once, and how many of these places are taken. */
  readonly places: number
  readonly taken: number
}

/** Undefined where the account has no such job, or it does not wait. */
export async function selectWaitingFacts(
  db: Queryable,
  job: { readonly accountId: number; readonly id: number },
  aheadMax: number,
): Promise<WaitingFacts | undefined> {
  const rows = await db.query<WaitingFacts>(sql`
    with taking as (
      select w.name, sum((k ->> 'concurrency')::integer) as places
        from jobs j
        join job_workers w on w.state = 'running' and w.seen_at > now() - interval '1 minute'
       cross join jsonb_array_elements(w.kinds) as k
       where j.id = ${job.id} and k ->> 'kind' = j.kind
       group by w.name
    )
    select j.kind, w.state, w.due_at, w.state = 'queued' or w.due_at <= now() as is_due,
           (select count(*)
              from (select from job_waiting a
                     where a.lane_id = w.lane_id and a.state = 'queued'
                       and (a.position, a.job_id) < (w.position, w.job_id)
                     limit ${aheadMax}) as first) as ahead,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'key', m.key, 'slots', m.slots, 'used', m.used, 'wants', counted.wants,
                     'paused_until', case when m.paused_until > now() then m.paused_until end
                   ) order by counted.place), '[]')
              from unnest(l.limit_keys, l.weights) with ordinality as counted (key, wants, place)
              join job_limits m on m.key = counted.key) as limits,
           (select coalesce(sum(places), 0)::bigint from taking) as places,
           (select count(*)
              from job_running r join job_lanes of_kind on of_kind.id = r.lane_id
             where of_kind.kind = j.kind and r.lease_owner in (select name from taking)) as taken
      from job_waiting w
      join jobs j on j.id = w.job_id
      join job_lanes l on l.id = w.lane_id
     where w.job_id = ${job.id} and j.account_id = ${job.accountId}`)
  return rows[0]
}
