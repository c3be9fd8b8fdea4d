import type { QuarantinedRecord } from '../quarantine.ts'
import { assert } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import type { QuarantinePlace } from './quarantine.sql.ts'
import { insertQuarantine } from './quarantine.sql.ts'

/** The most of a record's bytes that its row may hold; the whole of a longer one is an object. */
export const rawBytesMax = 64 * 1024

/** Bytes travel to PostgreSQL as text, twice their size: one statement stays at a few megabytes. */
const statementBytesMax = 2 << 20
const statementRecordsMax = 5000

/** PostgreSQL's text cannot hold the character zero, which a quoted piece of a broken record may contain. */
export function storableDetail(detail: string): string {
  return detail.replaceAll('\0', '\u{FFFD}')
}

/** Keeps records in as many statements as their size asks for. */
export async function keepRecords(
  db: Queryable,
  place: QuarantinePlace,
  records: readonly QuarantinedRecord[],
): Promise<void> {
  let batch: QuarantinedRecord[] = []
  let bytes = 0
  for (const record of records) {
    assert(record.raw.byteLength <= rawBytesMax, 'the bytes of a quarantined record fit its row')
    if (bytes + record.raw.byteLength > statementBytesMax || batch.length === statementRecordsMax) {
      await insertQuarantine(db, place, batch)
      batch = []
      bytes = 0
    }
    batch.push({ ...record, detail: storableDetail(record.detail) })
    bytes += record.raw.byteLength
  }
  if (batch.length > 0) await insertQuarantine(db, place, batch)
}
