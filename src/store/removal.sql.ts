import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** Undefined where there is no such database. Whoever makes a table in it now waits, and then finds it gone. */
export async function markDatabaseDropped(
  tx: Queryable,
  accountId: number,
  name: string,
  at: Date,
): Promise<number | undefined> {
  const rows = await tx.query<{ id: number }>(sql`
    update databases set dropped_at = ${at}
     where account_id = ${accountId} and name = ${name} and dropped_at is null
    returning id`)
  return rows[0]?.id
}

/** Waits for the commits that run, in one order for everybody. */
export async function lockTables(tx: Queryable, accountId: number, databaseId: number): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(sql`
    select id from tables
     where account_id = ${accountId} and database_id = ${databaseId} and dropped_at is null
     order by id
       for update`)
  return rows.map((row) => row.id)
}

/** Takes the tables out of sight, and plans the removal of their files for when nobody reads them or can bring them back. */
export async function markTablesDropped(
  tx: Queryable,
  tableIds: readonly number[],
  at: Date,
  removeAfter: Date,
): Promise<void> {
  await tx.query(sql`
    with dropped as (
      update tables set dropped_at = ${at}, updated_at = ${at}, snapshot = snapshot + 1
       where id = any(${tableIds}::bigint[]) and dropped_at is null
      returning id, account_id, snapshot, schema_version, rows, bytes, chunks, history_hours
    ), noted as (
      insert into snapshots (account_id, table_id, snapshot, operation, cause, schema_version, rows, bytes, chunks,
                             rows_added, rows_removed)
      select account_id, id, snapshot, 'drop', 'drop', schema_version, rows, bytes, chunks, 0, rows from dropped
    )
    insert into object_removals (object_key, remove_after)
    select c.object_key, greatest(${removeAfter}::timestamptz, ${at}::timestamptz + make_interval(hours => dropped.history_hours))
      from (select table_id, object_key from chunks union all select table_id, object_key from removed_chunks) c
      join dropped on dropped.id = c.table_id
    on conflict (object_key) do nothing`)
}

export async function selectDueRemovals(db: Queryable, now: Date, limit: number): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from object_removals where remove_after <= ${now} order by remove_after limit ${limit}`)
  return rows.map((row) => row.object_key)
}

export async function deleteRemovals(db: Queryable, objectKeys: readonly string[]): Promise<void> {
  await db.query(sql`delete from object_removals where object_key = any(${objectKeys}::text[])`)
}

/**
 * Deletes at most `limit` rows of each kind that belong to tables dropped before `droppedBefore`, and longer ago than they
 * can be brought back. Two sweeps at once take different tables, so neither waits for the other.
 */
export async function deleteRowsOfDropped(
  db: Queryable,
  at: { readonly now: Date; readonly droppedBefore: Date },
  limit: number,
): Promise<void> {
  await db.query(sql`
    with gone as materialized (
      select id from tables
       where dropped_at <= ${at.droppedBefore} and dropped_at <= ${at.now}::timestamptz - make_interval(hours => history_hours)
       order by dropped_at limit 10 for update skip locked
    ), no_ids as (
      delete from applied_ids where ctid in
        (select ctid from applied_ids where table_id in (select id from gone) limit ${limit})
    ), no_places as (
      delete from applied_places where ctid in
        (select ctid from applied_places where table_id in (select id from gone) limit ${limit})
    ), no_arrivals as (
      delete from arrivals where ctid in
        (select ctid from arrivals where table_id in (select id from gone) limit ${limit})
    ), no_snapshots as (
      delete from snapshots where ctid in
        (select ctid from snapshots where table_id in (select id from gone) limit ${limit})
    ), no_history as (
      delete from removed_chunks where ctid in
        (select ctid from removed_chunks where table_id in (select id from gone) limit ${limit})
    )
    delete from chunks where ctid in (select ctid from chunks where table_id in (select id from gone) limit ${limit})`)
}

/** Deletes dropped tables of which nothing is left, and dropped databases without tables. */
export async function deleteDropped(
  db: Queryable,
  { now, droppedBefore }: { readonly now: Date; readonly droppedBefore: Date },
): Promise<void> {
  await db.query(sql`
    delete from tables where id in (
      select id from tables t
       where dropped_at <= ${droppedBefore} and dropped_at <= ${now}::timestamptz - make_interval(hours => history_hours)
         and not exists (select from applied_ids where table_id = t.id)
         and not exists (select from applied_places where table_id = t.id)
         and not exists (select from arrivals where table_id = t.id)
         and not exists (select from snapshots where table_id = t.id)
         and not exists (select from chunks where table_id = t.id)
         and not exists (select from removed_chunks where table_id = t.id)
       for update skip locked)`)
  await db.query(sql`
    delete from databases where id in (
      select id from databases d
       where dropped_at <= ${droppedBefore} and not exists (select from tables where database_id = d.id)
       for update skip locked)`)
}

/**
 * Forgets at most `limit` chunks of the history that no query can still read which opened a snapshot within the table's time
 * as late as `removedBefore`, and plans the removal of their files: the row and the plan change places at once. Returns how
 * many.
 */
export async function expireHistory(
  db: Queryable,
  at: { readonly now: Date; readonly removedBefore: Date },
  limit: number,
): Promise<number> {
  const rows = await db.query(sql`
    with old as (
      select r.ctid
        from removed_chunks r
        join tables t on t.id = r.table_id
       where r.removed_at <= ${at.removedBefore}
         and (r.removed_snapshot <= t.oldest_snapshot
              or r.removed_at <= ${at.removedBefore}::timestamptz - make_interval(hours => t.history_hours))
       limit ${limit}
         for update of r skip locked
    ), gone as (
      delete from removed_chunks where ctid in (select ctid from old) returning object_key, table_id, removed_snapshot
    ), noted as (
      update tables t
         set oldest_snapshot = greatest(t.oldest_snapshot, forgotten.snapshot)
        from (select table_id, max(removed_snapshot) as snapshot from gone group by table_id) forgotten
       where t.id = forgotten.table_id
    ), planned as (
      insert into object_removals (object_key, remove_after)
      select object_key, ${at.now} from gone
       where not exists (select from damaged_chunks d where d.object_key = gone.object_key)
      on conflict (object_key) do nothing
    )
    select 1 from gone`)
  return rows.length
}

/** Those of the chunks that are in the catalog. */
export async function selectKnownChunks(db: Queryable, chunkIds: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ id: string }>(sql`
    select id from chunks where id = any(${chunkIds}::uuid[])
    union all
    select id from removed_chunks where id = any(${chunkIds}::uuid[])
    union all
    select id from damaged_chunks where id = any(${chunkIds}::uuid[])`)
  return rows.map((row) => row.id)
}

/** Those of the keys that records in the quarantine have. */
export async function selectKnownQuarantine(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from quarantine where object_key = any(${objectKeys}::text[])
    union
    select fixed_key from quarantine where fixed_key = any(${objectKeys}::text[])`)
  return rows.map((row) => row.object_key)
}
