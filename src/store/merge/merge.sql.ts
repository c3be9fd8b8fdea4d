import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Layer } from '../store.ts'

export interface MergeableRow {
  readonly id: string
  readonly object_key: string
  readonly layer: Layer
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly crc32: number | null
  readonly sorted_by: readonly number[] | null
  readonly created_at: Date
}

/** A realtime chunk, with what has to be known of a file that is to lie beside others as it is. */
export interface RealtimeRow extends MergeableRow {
  /** Field ids of its columns of doubles that have no NaN. */
  readonly without_nan: readonly number[]
}

/** Chunks written for older columns, which are about to be written anew, are left to that. */
export function selectRealtime(
  db: Queryable,
  table: { accountId: number; tableId: number; restatedVersion: number },
): Promise<RealtimeRow[]> {
  return db.query(sql`
    select id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes, crc32,
           sorted_by, created_at,
           array(select key::integer from jsonb_each(column_statistics) where value->'nan' = 'false') as without_nan
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId} and layer = 'realtime'
       and schema_version >= ${table.restatedVersion}`)
}

export function selectArchive(
  db: Queryable,
  table: { accountId: number; tableId: number; restatedVersion: number },
  between: { from: number; to: number },
): Promise<MergeableRow[]> {
  return db.query(sql`
    select id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes, crc32,
           sorted_by, created_at
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId} and layer = 'archive'
       and time_range && int8range(${between.from}, ${between.to})
       and schema_version >= ${table.restatedVersion}`)
}

/** Counts chunks of the realtime layer to the archive. Their rows stay where they are, so that it makes no snapshot. */
export async function moveToArchive(
  tx: Queryable,
  table: { accountId: number; tableId: number },
  ids: readonly string[],
): Promise<void> {
  await tx.query(sql`
    with held as (
      select id from tables where id = ${table.tableId} and account_id = ${table.accountId} for update
    ), moved as (
      update chunks set layer = 'archive'
       where id = any(${ids}::uuid[]) and table_id = (select id from held) and layer = 'realtime'
      returning 1
    )
    update tables set realtime_chunks = realtime_chunks - (select count(*) from moved)
     where id = (select id from held)`)
}

/**
 * Asks for the merges of all tables that have realtime chunks from before `settled`, of hours before `openHour`. The tables are found
 * by leaps through the index of realtime chunks.
 */
export async function requestMajorMerges(
  db: Queryable,
  before: { readonly settled: Date; readonly openHour: number },
): Promise<number> {
  const rows = await db.query(sql`
    with recursive with_realtime as (
      (select table_id from chunks where layer = 'realtime' order by table_id limit 1)
      union all
      select (select c.table_id from chunks c
               where c.layer = 'realtime' and c.table_id > r.table_id
               order by c.table_id limit 1)
        from with_realtime r
       where r.table_id is not null
    )
    insert into merge_requests (table_id, account_id)
    select t.id, t.account_id
      from with_realtime r
      join tables t on t.id = r.table_id and t.dropped_at is null
     where exists (select from chunks c
                    where c.table_id = t.id and c.layer = 'realtime' and c.created_at <= ${before.settled}
                      and lower(c.time_range) < ${before.openHour} and c.schema_version >= t.restated_version)
    on conflict (table_id) do nothing
    returning 1`)
  return rows.length
}

export interface MergeRequest {
  readonly table_id: number
  readonly account_id: number
  /** Microseconds since the epoch: with the table it names the request. */
  readonly requested_us: number
}

export function selectOpenRequests(db: Queryable, limit: number): Promise<MergeRequest[]> {
  return db.query(sql`
    select table_id, account_id, (extract(epoch from requested_at) * 1000000)::bigint as requested_us
      from merge_requests where job_id is null order by requested_at limit ${limit}`)
}

export async function noteJobs(
  db: Queryable,
  requests: readonly { readonly tableId: number; readonly requestedUs: number; readonly jobId: number }[],
): Promise<void> {
  await db.query(sql`
    update merge_requests r set job_id = given.job_id
      from unnest(${requests.map(({ tableId }) => tableId)}::bigint[],
                  ${requests.map(({ requestedUs }) => requestedUs)}::bigint[],
                  ${requests.map(({ jobId }) => jobId)}::bigint[]) as given (table_id, requested_us, job_id)
     where r.table_id = given.table_id and r.job_id is null
       and (extract(epoch from r.requested_at) * 1000000)::bigint = given.requested_us`)
}

/** Ends a request; where more came meanwhile, it is open again. */
export async function endRequest(db: Queryable, tableId: number): Promise<void> {
  await db.query(sql`
    with done as (delete from merge_requests where table_id = ${tableId} and not again)
    update merge_requests set job_id = null, again = false, requested_at = clock_timestamp()
     where table_id = ${tableId} and again`)
}

/** Opens requests again whose job ended without looking after them, some time ago: it failed, or was killed. */
export async function reopenRequests(db: Queryable, requestedBefore: Date): Promise<void> {
  await db.query(sql`
    update merge_requests r set job_id = null, requested_at = clock_timestamp()
     where requested_at < ${requestedBefore} and job_id is not null
       and not exists (select from job_waiting w where w.job_id = r.job_id)
       and not exists (select from job_running j where j.job_id = r.job_id)`)
}
