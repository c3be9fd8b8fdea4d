import type { QuarantineItem, QuarantineSource } from '../quarantine.ts'
import type { EntryRow } from './entries.sql.ts'

export function itemOf(row: EntryRow): QuarantineItem {
  return {
    id: row.id,
    database: row.database_name,
    table: row.table_name,
    uniqueId: row.unique_id,
    recordNumber: row.record_number,
    byteOffset: row.byte_offset,
    reason: row.reason,
    detail: row.detail,
    rawBytes: row.raw_bytes,
    fixedBytes: row.fixed_bytes,
    source: sourceOf(row),
    revision: row.revision,
    history: row.history,
    quarantinedAt: row.quarantined_at,
  }
}

function sourceOf(row: EntryRow): QuarantineSource | null {
  const { format, encoding, time_column, received_at_us, header, key_id, door } = row
  if (format === null || encoding === null || received_at_us === null) return null
  return { format, encoding, timeColumn: time_column, receivedAtUs: received_at_us, header, keyId: key_id, door }
}
