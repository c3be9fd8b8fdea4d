import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { ChunkTotals } from './chunks.sql.ts'
import type { AppliedId, AppliedPlaces, AppliedRange, Commit, PlacesWithin, TimeRange } from './store.ts'

export interface LockedTable {
  readonly id: number
  readonly database: string
  readonly name: string
  readonly snapshot: number
  readonly schema_version: number
  readonly restated_version: number
  readonly next_field_id: number
  readonly dropped: boolean
}

/** Commits to one table go one after the other: each holds its row until it ends. */
export async function lockTable(tx: Queryable, accountId: number, tableId: number): Promise<LockedTable | undefined> {
  const rows = await tx.query<LockedTable>(sql`
    select t.id, d.name as database, t.name, t.snapshot, t.schema_version, t.restated_version,
           t.next_field_id, t.dropped_at is not null as dropped
      from tables t
      join databases d on d.id = t.database_id
     where t.account_id = ${accountId} and t.id = ${tableId}
       for update of t`)
  return rows[0]
}

/**
 * Whether the job still holds the lease, which nobody can end until the transaction does. A key lock is enough, for leases
 * end by deletion; heartbeats pass it.
 */
export async function holdLease(tx: Queryable, fence: { jobId: number; leaseToken: number }): Promise<boolean> {
  const rows = await tx.query(sql`
    select 1 from job_running
     where lease_token = ${fence.leaseToken} and job_id = ${fence.jobId}
       for key share`)
  return rows.length === 1
}

/** Returns the ids that are new to the table; the others were applied before. */
export async function insertAppliedIds(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  ids: readonly AppliedId[],
): Promise<string[]> {
  const rows = await tx.query<{ unique_id: string }>(sql`
    insert into applied_ids (account_id, table_id, unique_id, snapshot, rows, quarantined)
    select ${table.accountId}, ${table.tableId}, unique_id, ${table.snapshot}, rows, quarantined
      from unnest(${ids.map((id) => id.uniqueId)}::text[],
                  ${ids.map((id) => id.rows)}::bigint[],
                  ${ids.map((id) => id.quarantined)}::bigint[]) as applied (unique_id, rows, quarantined)
    on conflict (table_id, unique_id) do nothing
    returning unique_id`)
  return rows.map((row) => row.unique_id)
}

export async function selectAppliedIds(
  db: Queryable,
  table: { accountId: number; tableId: number },
  uniqueIds: readonly string[],
): Promise<AppliedId[]> {
  return await db.query<AppliedId>(sql`
    select unique_id as "uniqueId", rows, quarantined
      from applied_ids
     where account_id = ${table.accountId} and table_id = ${table.tableId} and unique_id = any(${uniqueIds}::text[])
     order by unique_id`)
}

/**
 * Adds the ranges that touch none which is there, and returns where these begin. Ranges do not overlap, so the last one that begins
 * before the end of another is the only one that can touch it. Whoever calls holds the row of the table: nobody else adds any meanwhile.
 */
export async function insertAppliedPlaces(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  { segment, ranges }: AppliedPlaces,
): Promise<number[]> {
  const rows = await tx.query<{ from_byte: number }>(sql`
    insert into applied_places (account_id, table_id, segment, from_byte, to_byte, snapshot, rows, quarantined)
    select ${table.accountId}, ${table.tableId}, ${segment}, from_byte, to_byte, ${table.snapshot}, rows, quarantined
      from unnest(${ranges.map(({ from }) => from)}::bigint[],
                  ${ranges.map(({ to }) => to)}::bigint[],
                  ${ranges.map((range) => range.rows)}::bigint[],
                  ${ranges.map(({ quarantined }) => quarantined)}::bigint[])
        as applied (from_byte, to_byte, rows, quarantined)
     where not coalesce((select known.to_byte > applied.from_byte
                           from applied_places known
                          where known.table_id = ${table.tableId} and known.segment = ${segment}
                            and known.from_byte < applied.to_byte
                          order by known.from_byte desc limit 1), false)
    returning from_byte`)
  return rows.map((row) => row.from_byte)
}

/** The ranges that touch the part of the segment and were there before the snapshot, if one is said. */
export async function selectAppliedPlaces(
  db: Queryable,
  table: { accountId: number; tableId: number; beforeSnapshot?: number },
  { segment, from, to }: PlacesWithin,
): Promise<AppliedRange[]> {
  const before = table.beforeSnapshot ?? Number.MAX_SAFE_INTEGER
  return await db.query<AppliedRange>(sql`
    select from_byte as "from", to_byte as "to", rows, quarantined
      from applied_places
     where account_id = ${table.accountId} and table_id = ${table.tableId} and segment = ${segment}
       and from_byte < ${to} and to_byte > ${from} and snapshot < ${before}
     order by from_byte`)
}

/** Whether one of the ids was applied to the table of that name: the earlier attempt of the same commit made it. */
export async function selectTableOfIds(
  tx: Queryable,
  databaseId: number,
  name: string,
  uniqueIds: readonly string[],
): Promise<{ id: number; applied: boolean } | undefined> {
  const rows = await tx.query<{ id: number; applied: boolean }>(sql`
    select t.id, exists (select from applied_ids a
                          where a.table_id = t.id and a.unique_id = any(${uniqueIds}::text[])) as applied
      from tables t
     where t.database_id = ${databaseId} and t.name = ${name} and t.dropped_at is null`)
  return rows[0]
}

export interface TableAdvance {
  readonly accountId: number
  readonly tableId: number
  readonly snapshot: number
  readonly operation: Commit['operation']
  readonly cause: string
  readonly added: ChunkTotals
  readonly removed: ChunkTotals
  /** Where columns were added. */
  readonly nextFieldId: number | null
}

/** Makes the new snapshot the newest, and notes what it did. */
export async function advanceTable(tx: Queryable, advance: TableAdvance): Promise<void> {
  const { added, removed } = advance
  await tx.query(sql`
    with advanced as (
      update tables
         set snapshot = ${advance.snapshot},
             schema_version = schema_version + case when ${advance.nextFieldId}::integer is null then 0 else 1 end,
             next_field_id = coalesce(${advance.nextFieldId}::integer, next_field_id),
             rows = rows + ${added.rows - removed.rows},
             bytes = bytes + ${added.bytes - removed.bytes},
             chunks = chunks + ${added.chunks - removed.chunks},
             realtime_chunks = realtime_chunks + ${added.realtimeChunks - removed.realtimeChunks},
             updated_at = now()
       where id = ${advance.tableId} and account_id = ${advance.accountId}
      returning schema_version, rows, bytes, chunks, realtime_chunks
    ), ${requested(advance)}
    insert into snapshots (account_id, table_id, snapshot, operation, cause, schema_version, rows, bytes, chunks,
                           rows_added, rows_removed, bytes_added, bytes_removed, chunks_added, chunks_removed)
    select ${advance.accountId}, ${advance.tableId}, ${advance.snapshot}, ${advance.operation}, ${advance.cause},
           schema_version, rows, bytes, chunks,
           ${added.rows}, ${removed.rows}, ${added.bytes}, ${removed.bytes}, ${added.chunks}, ${removed.chunks}
      from advanced`)
}

/** Each time so many realtime chunks more have come, somebody looks whether there is something to merge. */
const chunksPerMergeRequest = 8

function requested({ accountId, tableId, added, removed }: TableAdvance): Sql {
  const more = added.realtimeChunks - removed.realtimeChunks
  return sql`requested as (
      insert into merge_requests (table_id, account_id)
      select ${tableId}, ${accountId} from advanced
       where realtime_chunks / ${chunksPerMergeRequest} > (realtime_chunks - ${more}) / ${chunksPerMergeRequest}
      on conflict (table_id) do update set again = true where not merge_requests.again
    )`
}

/** The channel on which arrivals are announced, as JSON with `accountId`, `tableId` and `snapshot`. */
export const arrivalsChannel = 'biwa_arrivals'

/** What came: new rows, others than were there before, or those that another engine wrote. */
export type ArrivalKind = 'new' | 'restated' | 'external'

export interface Arrival {
  readonly accountId: number
  readonly tableId: number
  readonly snapshot: number
  readonly timeRange: TimeRange
  readonly rows: number
  readonly bytes: number
  readonly kind: ArrivalKind
  readonly cause: string
}

/** Notes that rows came, and wakes whoever waits for them when the transaction commits. */
export async function insertArrival(tx: Queryable, arrival: Arrival): Promise<void> {
  const { accountId, tableId, snapshot, timeRange, rows, bytes, kind, cause } = arrival
  await tx.query(sql`
    with arrival as (
      insert into arrivals (account_id, table_id, snapshot, time_range, rows, bytes, kind, cause)
      values (${accountId}, ${tableId}, ${snapshot}, int8range(${timeRange.from}, ${timeRange.to}), ${rows}, ${bytes},
              ${kind}, ${cause})
    )
    select pg_notify(${arrivalsChannel}, ${JSON.stringify({ accountId, tableId, snapshot })})`)
}
