import { queryColumns, timeColumn } from '../columns.ts'
import type { Layer, Table } from '../store.ts'

/** Field ids that the rows of an archive chunk are sorted by: the table's cluster columns, as far as they are there, and time. */
export function archiveOrder({ settings, columns }: Table): readonly number[] {
  const present = new Set(columns.map(({ fieldId }) => fieldId))
  return [...settings.clusterColumns.filter((fieldId) => present.has(fieldId)), timeColumn.fieldId]
}

/** What the rows of a new chunk are sorted by: realtime chunks by time alone, because they are sorted again. */
export function sortOrder(table: Table, layer: Layer): { fieldIds: readonly number[]; names: readonly string[] } {
  const fieldIds = layer === 'realtime' ? [timeColumn.fieldId] : archiveOrder(table)
  const names = new Map(queryColumns(table.columns).map(({ column, queryName }) => [column.fieldId, queryName]))
  return { fieldIds, names: fieldIds.map((fieldId) => names.get(fieldId) ?? timeColumn.name) }
}
