import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { arrayText } from './lanes.sql.ts'
import { runsOf } from './runs.ts'

/** How many jobs of a lane are wanted, from a position on. */
export interface WantedOfLane {
  readonly laneId: number
  readonly fromPosition: number
  readonly count: number
}

export interface LeaseTerms {
  readonly owner: string
  readonly ms: number
}

/** An attempt that succeeded under a lease that holds no slots. The texts are JSON. */
export interface Success {
  readonly jobId: number
  readonly leaseToken: number
  readonly output: string | null
  readonly progress: string | null
}

/** A job that was acquired. */
export interface AcquiredRow {
  readonly lane_id: number
  readonly position: number
  readonly lease_token: number
  readonly attempt: number
  readonly id: number
  readonly user_id: number | null
  readonly input: unknown
  readonly priority: number
  readonly unique_key: string | null
  readonly attempts_max: number
  readonly timeout_ms: number | null
  readonly created_at: Date
}

/** Reads the rows of the CTE `gone`, each with its job. What the lane has in common is not sent with each. */
const acquiredColumns = sql`
  gone.lane_id, gone.position, gone.lease_token, gone.attempt, j.id, j.user_id, j.input, j.priority, j.unique_key,
  j.attempts_max, j.timeout_ms, j.created_at`

/**
 * Keeps the subquery apart: a lookup per row by the primary key is what is wanted, and joined tables are for the planner
 * to reorder.
 */
const jobOfGone = sql`cross join lateral (select * from jobs where id = gone.job_id offset 0) j`

/**
 * One turn of a worker, in one statement and one commit: writes the ends of attempts that succeeded, and takes leases on
 * jobs of lanes that no limit counts. Rows that another worker is taking at this moment are passed over. The database's
 * clock alone counts leases.
 *
 * Answers the acquired jobs, and the leases among `successes` that were lost, as rows with a `lease_token` alone.
 */
export function finishAndAcquire(
  db: Queryable,
  successes: readonly Success[],
  wanted: readonly WantedOfLane[],
  lease: LeaseTerms,
): Promise<(AcquiredRow | { readonly id: null; readonly lease_token: number })[]> {
  const tokens = successes.map(({ leaseToken }) => leaseToken)
  // Looking for a token takes as long as the array is: of 250, a tenth of the statement where nothing was to be found.
  const telling = successes.filter(({ output, progress }) => output !== null || progress !== null)
  const statement = sql`
    with done as (
      -- A token is of one job only: what is found by jobs and passes by tokens is the leases that were meant. Looking for
      -- it in an array of 500 would take a tenth of the statement; what was taken together is a few ranges.
      delete from job_running
       where job_id = any (${successes.map(({ jobId }) => jobId)}::bigint[])
         and lease_token <@ ${multirangeOf(tokens)}::int8multirange
         and limit_ids is null
      returning lease_token, job_id, account_id, from_state, attempt, lease_owner, acquired_at, progress
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason, acquired_at, acquired_from,
                               acquired_by, output, progress)
      select job_id, account_id, 'running', 'success', attempt, ${lease.owner}, 'succeeded', acquired_at, from_state,
             lease_owner,
             (${telling.map(({ output }) => output)}::jsonb[])[told.place],
             coalesce((${telling.map(({ progress }) => progress)}::jsonb[])[told.place], progress)
        from done
       cross join lateral (
               select array_position(${telling.map(({ leaseToken }) => leaseToken)}::bigint[], lease_token) as place
               offset 0
             ) as told
    ), ${takeFrom(candidates(wanted))}, ${begin(lease)}
    select ${acquiredColumns} from gone ${jobOfGone}
    union all
    select null, null, token, null, null, null, null, null, null, null, null, null
      from unnest(${tokens}::bigint[]) as ended (token)
     where (select count(*) from done) < ${tokens.length}
       and token not in (select lease_token from done)`
  return db.query(statement.prepared('jobs_turn'))
}

function multirangeOf(numbers: readonly number[]): string {
  return `{${runsOf(numbers)
    .map(({ first, last }) => `[${first},${last}]`)
    .join(',')}}`
}

function takeFrom(rows: Sql): Sql {
  return sql`
    gone as (
      delete from job_waiting where ctid = any (array (${rows}))
      returning job_id, lane_id, account_id, state, position, attempt + 1 as attempt,
                nextval('job_lease_tokens') as lease_token
    )`
}

/** The first rows of each lane, locked, of lanes that no limit counts. */
function candidates(wanted: readonly WantedOfLane[]): Sql {
  return sql`
    select head.place
      from unnest(${wanted.map(({ laneId }) => laneId)}::bigint[],
                  ${wanted.map(({ fromPosition }) => fromPosition)}::bigint[],
                  ${wanted.map(({ count }) => count)}::integer[]) as lane (id, from_position, wanted)
     cross join lateral (
             select ctid as place from job_waiting
              where lane_id = lane.id and state = 'queued' and position >= lane.from_position
              order by position, job_id
              limit lane.wanted
                for update skip locked
           ) as head
     where not exists (
             select from job_lanes join job_limits on job_limits.key = any (job_lanes.limit_keys)
              where job_lanes.id = lane.id
           )`
}

function begin(lease: LeaseTerms): Sql {
  return sql`
    begun as (
      insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner,
                               lease_expires_at)
      select lease_token, job_id, lane_id, account_id, state, attempt, ${lease.owner},
             now() + ${lease.ms} * interval '1 millisecond'
        from gone
    )`
}

/** A job that waits in a lane under limits, locked until the transaction ends. */
export interface Candidate {
  readonly job_id: number
  readonly lane_id: number
  readonly position: number
}

/** The first jobs of each lane, in the lane's order. */
export function lockCandidates(tx: Queryable, wanted: readonly WantedOfLane[]): Promise<Candidate[]> {
  const statement = sql`
    select head.job_id, head.lane_id, head.position
      from unnest(${wanted.map(({ laneId }) => laneId)}::bigint[],
                  ${wanted.map(({ count }) => count)}::integer[]) as lane (id, wanted)
     cross join lateral (
             select job_id, lane_id, position from job_waiting
              where lane_id = lane.id and state = 'queued'
              order by position, job_id
              limit lane.wanted
                for update skip locked
           ) as head`
  return tx.query(statement.prepared('jobs_candidates'))
}

/** A candidate that may pass, and the slots that its lease is to hold. */
export interface Admitted {
  readonly jobId: number
  readonly limitIds: readonly number[]
  readonly weights: readonly number[]
}

/** Takes leases on locked candidates. */
export function acquireAdmitted(
  tx: Queryable,
  admitted: readonly Admitted[],
  lease: LeaseTerms,
): Promise<AcquiredRow[]> {
  const ids = admitted.map(({ jobId }) => jobId)
  const statement = sql`
    with gone as (
      delete from job_waiting where job_id = any (${ids}::bigint[])
      returning job_id, lane_id, account_id, state, position, attempt + 1 as attempt,
                nextval('job_lease_tokens') as lease_token
    ), begun as (
      insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner,
                               lease_expires_at, limit_ids, weights)
      select lease_token, job_id, lane_id, account_id, state, attempt, ${lease.owner},
             clock_timestamp() + ${lease.ms} * interval '1 millisecond',
             nullif((${admitted.map(({ limitIds }) => arrayText(limitIds))}::text[])
                    [array_position(${ids}::bigint[], job_id)], '{}')::bigint[],
             (${admitted.map(({ weights }) => arrayText(weights))}::text[])
               [array_position(${ids}::bigint[], job_id)]::integer[]
        from gone
    )
    select ${acquiredColumns} from gone ${jobOfGone}
     order by gone.position, j.id`
  return tx.query(statement.prepared('jobs_acquire_admitted'))
}
