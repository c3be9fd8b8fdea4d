import type { Queryable, Sql } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { QuarantineEvent, QuarantineFilter, ReasonCount, ReplayedRecords, MeantTable } from '../quarantine.ts'

/** A record in the quarantine without its bytes. */
export interface EntryRow {
  readonly id: number
  readonly database_name: string
  readonly table_name: string
  readonly unique_id: string
  readonly record_number: number | null
  readonly byte_offset: number | null
  readonly reason: string
  readonly detail: string
  readonly raw_bytes: number
  readonly fixed_bytes: number | null
  readonly format: string | null
  readonly encoding: string | null
  readonly time_column: string | null
  readonly received_at_us: number | null
  readonly header: Buffer | null
  readonly key_id: number | null
  readonly door: string | null
  readonly revision: number
  readonly history: readonly QuarantineEvent[]
  readonly quarantined_at: Date
}

/** How much of a record's history is kept: the newest. */
const eventsMax = 50

const columns = sql`
  id, database_name, table_name, unique_id, record_number, byte_offset, reason, detail, raw_bytes, fixed_bytes, format,
  encoding, time_column, received_at_us, header, key_id, door, revision, history, quarantined_at`

function those(accountId: number, { database, name }: MeantTable, { ids, reason, uniqueId }: QuarantineFilter): Sql {
  return sql`
    account_id = ${accountId} and database_name = ${database} and table_name = ${name}
    and (${ids ?? null}::bigint[] is null or id = any(${ids ?? null}::bigint[]))
    and (${reason ?? null}::text is null or reason = ${reason ?? null})
    and (${uniqueId ?? null}::text is null or unique_id = ${uniqueId ?? null})`
}

export async function selectEntry(
  db: Queryable,
  accountId: number,
  table: MeantTable,
  id: number,
): Promise<EntryRow | undefined> {
  const rows = await db.query<EntryRow>(
    sql`select ${columns} from quarantine where ${those(accountId, table, { ids: [id] })}`,
  )
  return rows[0]
}

export function countReasons(db: Queryable, accountId: number, table: MeantTable): Promise<ReasonCount[]> {
  return db.query(sql`
    select reason, count(*)::bigint as count, sum(raw_bytes)::bigint as bytes,
           (array_agg(detail order by id desc))[1] as detail,
           min(quarantined_at) as "firstAt", max(quarantined_at) as "lastAt"
      from quarantine
     where ${those(accountId, table, {})}
     group by reason
     order by count(*) desc, reason
     limit 1000`)
}

export async function countEntries(
  db: Queryable,
  accountId: number,
  table: MeantTable,
  filter: QuarantineFilter,
): Promise<{ count: number; newest: number }> {
  const [row] = await db.query<{ count: number; newest: number }>(sql`
    select count(*)::bigint as count, coalesce(max(id), 0) as newest from quarantine where ${those(accountId, table, filter)}`)
  return row ?? { count: 0, newest: 0 }
}

/** In order from the one behind `after` on: as many as have `bytesMax` together, at least one. */
export function selectEntries(
  db: Queryable,
  accountId: number,
  table: MeantTable,
  filter: QuarantineFilter,
  page: {
    readonly after: number
    readonly upTo: number
    readonly notReplayedBy: number
    readonly recordsMax: number
    readonly bytesMax: number
  },
): Promise<EntryRow[]> {
  return db.query(sql`
    select ${columns}
      from (select *, sum(coalesce(fixed_bytes, raw_bytes)) over (order by id) as bytes_so_far,
                   row_number() over (order by id) as place
              from (select * from quarantine
                     where ${those(accountId, table, filter)} and id > ${page.after} and id <= ${page.upTo}
                       and replayed_by is distinct from ${page.notReplayedBy}
                     order by id
                     limit ${page.recordsMax}) found) summed
     where place = 1 or bytes_so_far <= ${page.bytesMax}
     order by id`)
}

/** The bytes that are read of a record, or the object that has them. */
export interface BytesRow {
  readonly id: number
  readonly bytes: Buffer
  readonly object_key: string | null
  readonly length: number
}

export function selectBytes(db: Queryable, accountId: number, ids: readonly number[]): Promise<BytesRow[]> {
  return db.query<BytesRow>(sql`
    select id, case when fixed_bytes is null then raw else coalesce(fixed, '') end as bytes,
           case when fixed_bytes is null then object_key else fixed_key end as object_key,
           coalesce(fixed_bytes, raw_bytes) as length
      from quarantine
     where account_id = ${accountId} and id = any(${ids}::bigint[])`)
}

/** A record as it was seen, and as it is to be. */
export interface FixedEntry {
  readonly id: number
  readonly revision: number
  readonly bytes: Buffer
  /** Where all of the bytes are, if they are more than the row may hold. */
  readonly objectKey: string | null
  readonly format: string | null
  readonly encoding: string | null
  readonly timeColumn: string | null
}

/** Changes those of the records that are still what was seen. Returns how many were. */
export async function updateFixed(
  db: Queryable,
  accountId: number,
  fixed: readonly FixedEntry[],
  event: QuarantineEvent,
): Promise<number> {
  const rows = await db.query(sql`
    update quarantine q
       set fixed = f.bytes, fixed_key = f.object_key, fixed_bytes = f.length,
           header = case when q.format is distinct from f.format then null else q.header end,
           format = f.format, encoding = f.encoding, time_column = f.time_column,
           received_at_us = coalesce(q.received_at_us, (extract(epoch from q.quarantined_at) * 1000000)::bigint),
           revision = q.revision + 1, replayed_by = null,
           history = (case when jsonb_array_length(q.history) < ${eventsMax} then q.history else q.history - 0 end)
                     || ${JSON.stringify([event])}::jsonb
      from unnest(${fixed.map(({ id }) => id)}::bigint[], ${fixed.map(({ revision }) => revision)}::int[],
                  ${fixed.map(({ bytes, objectKey }) => (objectKey === null ? bytes : Buffer.alloc(0)))}::bytea[],
                  ${fixed.map(({ objectKey }) => objectKey)}::text[],
                  ${fixed.map(({ bytes }) => bytes.byteLength)}::bigint[], ${fixed.map(({ format }) => format)}::text[],
                  ${fixed.map(({ encoding }) => encoding)}::text[],
                  ${fixed.map(({ timeColumn }) => timeColumn)}::text[])
           as f (id, revision, bytes, object_key, length, format, encoding, time_column)
     where q.account_id = ${accountId} and q.id = f.id and q.revision = f.revision
    returning 1`)
  return rows.length
}

export async function deleteEntries(
  db: Queryable,
  accountId: number,
  table: MeantTable,
  filter: QuarantineFilter,
  limit: number,
): Promise<number> {
  const rows = await db.query(sql`
    delete from quarantine where id = any(array(
      select id from quarantine where ${those(accountId, table, filter)} limit ${limit} for update skip locked))
    returning 1`)
  return rows.length
}

/** Returns how many rows it deleted, at most `limit`. */
export async function deleteOldEntries(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    delete from quarantine where id = any(array(
      select id from quarantine where quarantined_at < ${before} order by quarantined_at limit ${limit}
         for update skip locked))
    returning 1`)
  return rows.length
}

/** Takes records out of the quarantine that are still what was read. Returns how many were. */
export async function releaseEntries(
  tx: Queryable,
  accountId: number,
  released: ReplayedRecords['released'],
): Promise<number> {
  const rows = await tx.query(sql`
    delete from quarantine q
     using unnest(${released.map(({ id }) => id)}::bigint[], ${released.map(({ revision }) => revision)}::int[])
           as seen (id, revision)
     where q.account_id = ${accountId} and q.id = seen.id and q.revision = seen.revision
    returning 1`)
  return rows.length
}

/** Notes why records failed again that are still what was read. Returns how many were. */
export async function returnEntries(
  tx: Queryable,
  accountId: number,
  { jobId, returned }: Pick<ReplayedRecords, 'jobId' | 'returned'>,
): Promise<number> {
  const rows = await tx.query(sql`
    update quarantine q
       set reason = seen.reason, detail = seen.detail, revision = q.revision + 1, replayed_by = ${jobId},
           history = (case when jsonb_array_length(q.history) < ${eventsMax} then q.history else q.history - 0 end)
                     || jsonb_build_array(jsonb_build_object(
             'what', 'replayed', 'at', now(), 'jobId', ${jobId}::bigint, 'reason', q.reason, 'detail', q.detail))
      from unnest(${returned.map(({ id }) => id)}::bigint[], ${returned.map(({ revision }) => revision)}::int[],
                  ${returned.map(({ reason }) => reason)}::text[], ${returned.map(({ detail }) => detail)}::text[])
           as seen (id, revision, reason, detail)
     where q.account_id = ${accountId} and q.id = seen.id and q.revision = seen.revision
    returning 1`)
  return rows.length
}
