import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobRow } from './job-row.ts'
import { jobColumns, jobSources, jobState, listedJobColumns } from './job-row.ts'
import type { JobFilter, JobState, JobTransition } from './jobs.ts'
import { finishedStates } from './jobs.ts'

/** The job of the account, or of the system where that is null. */
export async function selectJob(db: Queryable, accountId: number | null, id: number): Promise<JobRow | undefined> {
  const statement = sql`
    select ${jobColumns} from ${jobSources}
     where j.id = ${id} and j.account_id is not distinct from ${accountId}::bigint`
  const rows = await db.query<JobRow>(statement.prepared('jobs_get'))
  return rows[0]
}

export function selectJobs(db: Queryable, filter: JobFilter): Promise<JobRow[]> {
  const { accountId, kind, state, userId = null, before = null, offset = 0, limit } = filter
  const kinds = kind === undefined ? null : [kind].flat()
  return db.query(sql`
    select ${listedJobColumns} from ${jobSources}
     where j.account_id = ${accountId}
       and (${kinds}::text[] is null or j.kind = any(${kinds}::text[]))
       and (${userId}::bigint is null or j.user_id = ${userId})
       and (${before}::bigint is null or j.id < ${before})
       ${state === undefined ? sql`` : inStates(accountId, [state].flat())}
       ${filter.secondsMin === undefined ? sql`` : sql`and ${jobSeconds} >= ${filter.secondsMin}::float8`}
     order by j.id desc
     limit ${limit} offset ${offset}`)
}

/** The job of the account that has the domain key. */
export async function selectJobOfDomainKey(
  db: Queryable,
  accountId: number | null,
  domainKey: string,
): Promise<JobRow | undefined> {
  const rows = await db.query<JobRow>(sql`
    select ${jobColumns} from ${jobSources}
     where coalesce(j.account_id, 0) = coalesce(${accountId}::bigint, 0) and j.domain_key = ${domainKey}`)
  return rows[0]
}

/** From the last beginning to the end, or to now. */
const jobSeconds = sql`
  extract(epoch from case when r.job_id is not null then now() - r.acquired_at
                          when w.job_id is null then h.at - past.started_at end)`

/** Failures are found by index, however many others there are; one that was redriven is still there, and is sorted out. */
function inStates(accountId: number, states: readonly JobState[]): Sql {
  if (states.some((state) => !finishedStates.has(state) || state === 'success')) {
    return sql`and ${jobState} = any(${states}::text[])`
  }
  return sql`
    and ${jobState} = any(${states}::text[])
    and j.id in (select job_id from job_history
                  where account_id = ${accountId} and to_state = any(${states}::text[])
                    and to_state in ('error', 'killed', 'dead'))`
}

/** The history as it is told: with its beginning, with the beginnings of attempts, and with the lease that holds now. */
export function selectHistory(db: Queryable, id: number): Promise<JobTransition[]> {
  return db.query(sql`
    select at, "from", "to", attempt, actor, reason
      from (
        select created_at as at, 0::bigint as place, null as "from",
               case when run_at > created_at then 'delayed' else 'queued' end as "to", 0 as attempt,
               submitted_by as actor, 'submitted' as reason
          from jobs where id = ${id}
        union all
        select acquired_at, id * 2, acquired_from, 'running', attempt, acquired_by, 'acquired'
          from job_history where job_id = ${id} and acquired_at is not null
        union all
        select at, id * 2 + 1, from_state, to_state, attempt, actor, reason
          from job_history where job_id = ${id}
        union all
        select acquired_at, 9223372036854775807, from_state, 'running', attempt, lease_owner, 'acquired'
          from job_running where job_id = ${id}
      ) as told
     order by told.at, told.place`)
}

export interface DepthRow {
  readonly kind: string
  readonly state: JobState
  readonly count: number
  readonly oldest_seconds: number
}

/** Reads jobs that wait and that run, and nothing of those that are finished. */
export function selectDepth(db: Queryable): Promise<DepthRow[]> {
  return db.query(sql`
    select l.kind, lanes.state, sum(lanes.count)::bigint as count,
           extract(epoch from greatest(now() - min(lanes.oldest), interval '0'))::float8 as oldest_seconds
      from (select lane_id, state, count(*) as count, min(due_at) as oldest from job_waiting group by lane_id, state
            union all
            select lane_id, 'running', count(*), min(acquired_at) from job_running group by lane_id) as lanes
      join job_lanes l on l.id = lanes.lane_id
     group by l.kind, lanes.state
     order by l.kind, lanes.state`)
}
