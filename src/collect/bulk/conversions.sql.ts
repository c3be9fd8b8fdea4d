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
  /** How it is read again; null where it cannot be by itself. */
  readonly reading: ErrorReading | null
}

export interface ErrorReading {
  readonly format: string
  readonly encoding: string
  readonly receivedAtUs: number
  /** What goes before the record, such as the line of names of CSV. */
  readonly header: Uint8Array | null
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
                                    object_key, format, encoding, received_at_us, header)
    select ${importId}, ${from}::integer + position, part, record_number, byte_offset, reason, detail, raw, raw_bytes, object_key,
           format, encoding, received_at_us, header
      from unnest(${errors.map(({ part }) => part)}::text[],
                  ${errors.map(({ recordNumber }) => recordNumber)}::bigint[],
                  ${errors.map(({ byteOffset }) => byteOffset)}::bigint[],
                  ${errors.map(({ reason }) => reason)}::text[],
                  ${errors.map(({ detail }) => detail)}::text[],
                  ${errors.map(({ raw }) => Buffer.from(raw))}::bytea[],
                  ${errors.map(({ rawBytes }) => rawBytes)}::bigint[],
                  ${errors.map(({ objectKey }) => objectKey)}::text[],
                  ${errors.map(({ reading }) => reading?.format ?? null)}::text[],
                  ${errors.map(({ reading }) => reading?.encoding ?? null)}::text[],
                  ${errors.map(({ reading }) => reading?.receivedAtUs ?? null)}::bigint[],
                  ${errors.map(({ reading }) => (reading?.header ? Buffer.from(reading.header) : null))}::bytea[])
           with ordinality
           as found (part, record_number, byte_offset, reason, detail, raw, raw_bytes, object_key, format, encoding,
                     received_at_us, header, position)`)
}

type ErrorRow = Omit<KeptError, 'reading'> & { readonly position: number } & {
  readonly [K in keyof ErrorReading]: ErrorReading[K] | null
}

/** In order, behind the position. */
export async function selectErrors(
  db: Queryable,
  importId: number,
  after: number,
  limit: number,
): Promise<(KeptError & { readonly position: number })[]> {
  const rows = await db.query<ErrorRow>(sql`
    select position, part, record_number as "recordNumber", byte_offset as "byteOffset", reason, detail, raw,
           raw_bytes as "rawBytes", object_key as "objectKey", format, encoding, received_at_us as "receivedAtUs", header
      from bulk_import_errors
     where import_id = ${importId} and position > ${after}
     order by position
     limit ${limit}`)
  return rows.map(({ format, encoding, receivedAtUs, header, ...error }) => {
    const isKnown = format !== null && encoding !== null && receivedAtUs !== null
    return { ...error, reading: isKnown ? { format, encoding, receivedAtUs, header } : null }
  })
}
