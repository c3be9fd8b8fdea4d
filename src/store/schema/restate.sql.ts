import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { ChunkRow } from '../chunks.sql.ts'

interface RestatedTable {
  readonly accountId: number
  readonly tableId: number
  readonly restatedVersion: number
}

export type OldChunkRow = Omit<ChunkRow, 'added_snapshot'> & { readonly sorted_by: readonly number[] | null }

/** Live chunks from before the change, by time. */
export function selectOldChunks(db: Queryable, table: RestatedTable, limit: number): Promise<OldChunkRow[]> {
  return db.query(sql`
    select id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes,
           column_statistics, schema_version, crc32, sorted_by, created_at
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
       and schema_version < ${table.restatedVersion}
     order by lower(time_range), id
     limit ${limit}`)
}

/**
 * Counts chunks that the changes did not concern among those that were written after them. No row changes, so that it makes no
 * snapshot. The table is held, as by every commit.
 */
export async function passChunks(tx: Queryable, table: RestatedTable, ids: readonly string[]): Promise<void> {
  await tx.query(sql`
    with held as (
      select id from tables where id = ${table.tableId} and account_id = ${table.accountId} for update
    )
    update chunks set schema_version = ${table.restatedVersion}
     where id = any(${ids}::uuid[]) and table_id = (select id from held)`)
}

/** Notes that nothing is left from before the change; false where there is, or another change came meanwhile. */
export async function endRestating(tx: Queryable, table: RestatedTable): Promise<boolean> {
  const rows = await tx.query(sql`
    with held as (
      select id from tables
       where id = ${table.tableId} and account_id = ${table.accountId} and restated_version = ${table.restatedVersion}
         for update
    )
    update tables set restating = false, restate_job_id = null
     where id = (select id from held)
       and not exists (select from chunks
                        where table_id = ${table.tableId} and schema_version < ${table.restatedVersion})
    returning 1`)
  return rows.length === 1
}

export interface WaitingTable {
  readonly id: number
  readonly account_id: number
  readonly restated_version: number
  readonly restate_job_id: number | null
}

/** Tables with chunks from before a change and no job that sees to them. */
export function selectWaitingTables(db: Queryable, limit: number): Promise<WaitingTable[]> {
  return db.query(sql`
    select id, account_id, restated_version, restate_job_id
      from tables t
     where restating and dropped_at is null
       and not exists (select from job_waiting w where w.job_id = t.restate_job_id)
       and not exists (select from job_running r where r.job_id = t.restate_job_id)
     order by id
     limit ${limit}`)
}

export async function noteRestateJobs(
  db: Queryable,
  jobs: readonly { readonly tableId: number; readonly jobId: number }[],
): Promise<void> {
  await db.query(sql`
    update tables t set restate_job_id = given.job_id
      from unnest(${jobs.map(({ tableId }) => tableId)}::bigint[], ${jobs.map(({ jobId }) => jobId)}::bigint[])
           as given (table_id, job_id)
     where t.id = given.table_id`)
}
