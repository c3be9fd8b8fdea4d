import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Column, NewChunk } from '../../store/store.ts'
import type { BulkErrorRecord } from './bulk-imports.ts'

/** For which columns of which table the parts were converted. */
export interface ConversionTarget {
  readonly tableId: number
  readonly schemaVersion: number
  readonly newColumns: readonly Column[]
  readonly convertedAt: Date
}

export interface KeptError extends BulkErrorRecord {
  readonly objectKey: string | null
}

export async function deleteConversion(tx: Queryable, importId: number): Promise<void> {
  await tx.query(sql`delete from bulk_import_chunks where import_id = ${importId}`)
  await tx.query(sql`delete from bulk_import_errors where import_id = ${importId}`)
  await tx.query(sql`delete from bulk_import_conversions where import_id = ${importId}`)
}

export async function insertConversion(tx: Queryable, importId: number, target: ConversionTarget): Promise<void> {
  await tx.query(sql`
    insert into bulk_import_conversions (import_id, table_id, schema_version, new_columns, converted_at)
    values (${importId}, ${target.tableId}, ${target.schemaVersion}, ${JSON.stringify(target.newColumns)},
            ${target.convertedAt})`)
}

export async function selectConversion(db: Queryable, importId: number): Promise<ConversionTarget | undefined> {
  const rows = await db.query<ConversionTarget>(sql`
    select table_id as "tableId", schema_version as "schemaVersion", new_columns as "newColumns",
           converted_at as "convertedAt"
      from bulk_import_conversions
     where import_id = ${importId}`)
  return rows[0]
}

/** `from` is how many there are before them. */
export async function insertChunks(
  tx: Queryable,
  importId: number,
  from: number,
  chunks: readonly NewChunk[],
): Promise<void> {
  await tx.query(sql`
    insert into bulk_import_chunks (import_id, position, chunk)
    select ${importId}, ${from}::integer + position, chunk
      from unnest(${chunks.map((chunk) => JSON.stringify(chunk))}::text[]) with ordinality as made (chunk, position)`)
}

export async function selectChunks(db: Queryable, importId: number): Promise<NewChunk[]> {
  const rows = await db.query<{ chunk: string }>(sql`
    select chunk from bulk_import_chunks where import_id = ${importId} order by position`)
  return rows.map((row) => JSON.parse(row.chunk) as NewChunk)
}

/** `from` is how many there are before them. */
export async function insertErrors(
  tx: Queryable,
  importId: number,
  from: number,
  errors: readonly KeptError[],
): Promise<void> {
  await tx.query(sql`
    insert into bulk_import_errors (import_id, position, part, record_number, byte_offset, reason, detail, raw, raw_bytes,
                                    object_key)
    select ${importId}, ${from}::integer + position, part, record_number, byte_offset, reason, detail, raw, raw_bytes, object_key
      from unnest(${errors.map(({ part }) => part)}::text[],
                  ${errors.map(({ recordNumber }) => recordNumber)}::bigint[],
                  ${errors.map(({ byteOffset }) => byteOffset)}::bigint[],
                  ${errors.map(({ reason }) => reason)}::text[],
                  ${errors.map(({ detail }) => detail)}::text[],
                  ${errors.map(({ raw }) => Buffer.from(raw))}::bytea[],
                  ${errors.map(({ rawBytes }) => rawBytes)}::bigint[],
                  ${errors.map(({ objectKey }) => objectKey)}::text[])
           with ordinality
           as found (part, record_number, byte_offset, reason, detail, raw, raw_bytes, object_key, position)`)
}

/** In order, behind the position. */
export function selectErrors(
  db: Queryable,
  importId: number,
  after: number,
  limit: number,
): Promise<(KeptError & { readonly position: number })[]> {
  return db.query(sql`
    select position, part, record_number as "recordNumber", byte_offset as "byteOffset", reason, detail, raw,
           raw_bytes as "rawBytes", object_key as "objectKey"
      from bulk_import_errors
     where import_id = ${importId} and position > ${after}
     order by position
     limit ${limit}`)
}
