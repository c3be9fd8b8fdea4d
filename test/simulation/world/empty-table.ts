import type { TableRecord } from '../database/rows.ts'

/** A table of the model before its first commit. */
export function emptyTable(id: number, accountId: number, createdAt = new Date(0)): TableRecord {
  return {
    id,
    account_id: accountId,
    database_id: id,
    database: 'd',
    name: 't',
    snapshot: 0,
    schema_version: 1,
    next_field_id: 6,
    rows: 0,
    bytes: 0,
    chunks: 0,
    realtime_chunks: 0,
    history_hours: 0,
    oldest_snapshot: 0,
    created_at: createdAt,
  }
}
