import { queryColumns } from '../store/columns.ts'
import type { Table } from '../store/store.ts'
import { formatType } from '../store/types.ts'

/** A table as the contract shows it. */
export function tableJson(table: Table) {
  const { expireDays, historyHours, schemaMode, clusterColumns } = table.settings
  const named = queryColumns(table.columns)
  return {
    id: table.id,
    database: table.database,
    name: table.name,
    snapshot: table.snapshot,
    rows: table.rows,
    bytes: table.bytes,
    columns: table.columns.map(({ name, type, fieldId }) => ({ name, type: formatType(type), field_id: fieldId })),
    expire_days: expireDays,
    history_hours: historyHours,
    schema_mode: schemaMode,
    cluster_by: clusterColumns.flatMap((fieldId) => {
      const found = named.find(({ column }) => column.fieldId === fieldId)
      return found === undefined ? [] : [found.queryName]
    }),
    created_at: table.createdAt.toISOString(),
    updated_at: table.updatedAt.toISOString(),
  }
}
