import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { QuarantineCount, QuarantineEntry, QuarantinedRecord, RecentQuestion } from '../quarantine.ts'

/** Where quarantined records belong. `tableId` is null where no table of that name could be made. */
export interface QuarantinePlace {
  readonly accountId: number
  readonly database: string
  readonly table: string
  readonly tableId: number | null
}

export async function insertQuarantine(
  db: Queryable,
  place: QuarantinePlace,
  records: readonly QuarantinedRecord[],
): Promise<void> {
  await db.query(sql`
    insert into quarantine (account_id, database_name, table_name, table_id, unique_id, record_number, byte_offset,
                            reason, detail, raw, raw_bytes, object_key, format, encoding, time_column, received_at_us,
                            header, key_id, door, history)
    select ${place.accountId}, ${place.database}, ${place.table}, ${place.tableId}, unique_id, record_number,
           byte_offset, reason, detail, raw, raw_bytes, object_key, format, encoding, time_column, received_at_us,
           header, key_id, door, history
      from unnest(${records.map((record) => record.uniqueId)}::text[],
                  ${records.map((record) => record.recordNumber)}::bigint[],
                  ${records.map((record) => record.byteOffset)}::bigint[],
                  ${records.map((record) => record.reason)}::text[],
                  ${records.map((record) => record.detail)}::text[],
                  ${records.map((record) => Buffer.from(record.raw))}::bytea[],
                  ${records.map((record) => record.rawBytes)}::bigint[],
                  ${records.map((record) => record.objectKey)}::text[],
                  ${records.map(({ source }) => source?.format ?? null)}::text[],
                  ${records.map(({ source }) => source?.encoding ?? null)}::text[],
                  ${records.map(({ source }) => source?.timeColumn ?? null)}::text[],
                  ${records.map(({ source }) => source?.receivedAtUs ?? null)}::bigint[],
                  ${records.map(({ source }) => bytesOrNull(source?.header))}::bytea[],
                  ${records.map(({ source }) => source?.keyId ?? null)}::bigint[],
                  ${records.map(({ source }) => source?.door ?? null)}::text[],
                  ${records.map(({ history = [] }) => JSON.stringify(history))}::jsonb[])
           as rejected (unique_id, record_number, byte_offset, reason, detail, raw, raw_bytes, object_key, format,
                        encoding, time_column, received_at_us, header, key_id, door, history)
    on conflict (account_id, database_name, table_name, unique_id, record_number, byte_offset)
      where table_id is null do nothing`)
}

export function selectQuarantine(
  db: Queryable,
  place: { accountId: number; database: string; table: string },
  page: { limit: number; before?: number },
): Promise<QuarantineEntry[]> {
  return db.query(sql`
    select id, database_name as database, table_name as table, unique_id as "uniqueId", record_number as "recordNumber",
           byte_offset as "byteOffset", reason, detail, raw, raw_bytes as "rawBytes", object_key as "objectKey",
           quarantined_at as "quarantinedAt"
      from quarantine
     where account_id = ${place.accountId} and database_name = ${place.database} and table_name = ${place.table}
       and (${page.before ?? null}::bigint is null or id < ${page.before ?? null})
     order by id desc
     limit ${page.limit}`)
}

function bytesOrNull(bytes: Uint8Array | null | undefined): Buffer | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes)
}

export function countRecentQuarantine(
  db: Queryable,
  accountId: number,
  { since, keyId, door, limit }: RecentQuestion,
): Promise<QuarantineCount[]> {
  return db.query(sql`
    select database_name as database, table_name as table, reason, key_id as "keyId", door, count(*)::bigint as count,
           (array_agg(detail order by id desc))[1] as detail, max(quarantined_at) as "lastAt"
      from quarantine
     where account_id = ${accountId} and quarantined_at >= ${since}
       and (${keyId ?? null}::bigint is null or key_id = ${keyId ?? null})
       and (${door ?? null}::text is null or door = ${door ?? null})
     group by database_name, table_name, reason, key_id, door
     order by max(quarantined_at) desc
     limit ${limit}`)
}
