import type { ErrorRecord } from '../base/errors.ts'
import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { DeadLetterFilter } from './dead-letters.ts'
import type { JobRow } from './job-row.ts'
import { jobColumns, jobSources } from './job-row.ts'
import { positionOf } from './position.sql.ts'

/**
 * The ends of dead jobs of the filter, as rows `d`: found by the index of failures. The end of a job that was redriven is
 * still in the history; a job is dead only while it neither waits nor runs, and nothing is noted after its end.
 */
function deadEnds(filter: DeadLetterFilter): Sql {
  const { accountId, fingerprint, kind, ids, since, until } = filter
  return sql`
    job_history d
    join jobs dead on dead.id = d.job_id
   where d.account_id = ${accountId} and d.to_state = 'dead'
     and not exists (select from job_waiting where job_id = d.job_id)
     and not exists (select from job_running where job_id = d.job_id)
     and not exists (select from job_history later where later.job_id = d.job_id and later.id > d.id)
     ${fingerprint === undefined ? sql`` : sql`and d.fingerprint = ${fingerprint}`}
     ${kind === undefined ? sql`` : sql`and dead.kind = ${kind}`}
     ${ids === undefined ? sql`` : sql`and d.job_id = any (${ids}::bigint[])`}
     ${since === undefined ? sql`` : sql`and d.at >= ${since}`}
     ${until === undefined ? sql`` : sql`and d.at < ${until}`}`
}

export interface DeadLetterGroupRow {
  readonly fingerprint: string
  readonly kind: string
  readonly count: number
  readonly first_at: Date
  readonly last_at: Date
  readonly error: ErrorRecord
  readonly job_id: number
}

/** The largest groups first. Errors, which may be long, are read for one job of each. */
export function selectDeadGroups(db: Queryable, accountId: number): Promise<DeadLetterGroupRow[]> {
  return db.query(sql`
    with grouped as materialized (
      select d.fingerprint, dead.kind, count(*) as count, min(d.at) as first_at, max(d.at) as last_at,
             max(d.job_id) as job_id
        from ${deadEnds({ accountId })}
       group by d.fingerprint, dead.kind
    )
    select grouped.*,
           (select error from job_history
             where job_id = grouped.job_id and to_state = 'dead'
             order by id desc
             limit 1) as error
      from grouped
     order by count desc, last_at desc, fingerprint, kind`)
}

/** The newest first. */
export function selectDeadJobs(
  db: Queryable,
  filter: DeadLetterFilter,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<JobRow[]> {
  return db.query(sql`
    select ${jobColumns} from ${jobSources}
     where j.id in (select d.job_id from ${deadEnds(filter)}
                       ${before === undefined ? sql`` : sql`and d.job_id < ${before}`}
                     order by d.job_id desc
                     limit ${limit})
     order by j.id desc`)
}

/** The oldest first. */
export async function selectDeadIds(db: Queryable, filter: DeadLetterFilter, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select d.job_id as id from ${deadEnds(filter)} order by d.job_id limit ${limit}`)
  return rows.map(({ id }) => id)
}

/**
 * Keeps other redrives from these jobs until the transaction ends. Rows of jobs never change, so nobody else waits for
 * this; without it, a job that another redrive has queued, and that runs already, could still look dead.
 */
export async function lockJobs(tx: Queryable, ids: readonly number[]): Promise<void> {
  await tx.query(sql`select from jobs where id = any (${ids}::bigint[]) order by id for update`)
}

/** Queues those of the locked jobs that are dead, as if they had never been tried, and answers them. */
export function requeueDead(
  tx: Queryable,
  accountId: number,
  ids: readonly number[],
  actor: string,
): Promise<{ id: number; lane_id: number }[]> {
  return tx.query(sql`
    with queued as (
      insert into job_waiting (job_id, lane_id, account_id, state, due_at, position, attempt)
      select j.id, j.lane_id, j.account_id, 'queued', now(), ${positionOf(sql`now()`, sql`j.priority`)}, 0
        from jobs j
       where j.id in (select d.job_id from ${deadEnds({ accountId, ids })})
      on conflict (job_id) do nothing
      returning job_id, lane_id
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason)
      select job_id, ${accountId}::bigint, 'dead', 'queued', 0, ${actor}, 'redriven' from queued
    )
    select job_id as id, lane_id from queued order by job_id`)
}
