import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobRow } from './job-row.ts'
import { jobColumns } from './job-row.ts'
import type { JobFilter, JobState, JobTransition } from './jobs.ts'

/** The job of the account, or of the system where that is null. */
export async function selectJob(db: Queryable, accountId: number | null, id: number): Promise<JobRow | undefined> {
  const rows = await db.query<JobRow>(sql`
    select ${jobColumns} from jobs j
     where j.id = ${id} and j.account_id is not distinct from ${accountId}`)
  return rows[0]
}

export function selectJobs(db: Queryable, filter: JobFilter): Promise<JobRow[]> {
  const { accountId, kind = null, state = null, before = null, limit } = filter
  return db.query(sql`
    select ${jobColumns} from jobs j
     where j.account_id = ${accountId}
       and (${kind}::text is null or j.kind = ${kind})
       and (${state}::text is null or j.state = ${state})
       and (${before}::bigint is null or j.id < ${before})
     order by j.id desc
     limit ${limit}`)
}

export function selectHistory(db: Queryable, id: number): Promise<JobTransition[]> {
  return db.query(sql`
    select at, from_state as "from", to_state as "to", attempt, actor, reason
      from job_history
     where job_id = ${id}
     order by id`)
}

export interface DepthRow {
  readonly kind: string
  readonly state: JobState
  readonly count: number
  readonly oldest_seconds: number
}

/** Reads the partial indexes of waiting and of running jobs, and nothing of those that are finished. */
export function selectDepth(db: Queryable): Promise<DepthRow[]> {
  return db.query(sql`
    select kind, state, count(*) as count, extract(epoch from greatest(now() - min(run_at), interval '0'))::float8
           as oldest_seconds
      from jobs
     where state in ('queued', 'delayed', 'retry_wait')
     group by kind, state
    union all
    select kind, state, count(*), extract(epoch from greatest(now() - min(started_at), interval '0'))::float8
      from jobs
     where state = 'running'
     group by kind, state
     order by kind, state`)
}
