import { putChecked } from '../../base/objects/put-checked.ts'
import { fieldIdsClause, queryColumns } from '../../store/columns.ts'
import type { Column, NewChunk } from '../../store/store.ts'
import { writtenChunk } from '../../store/written-chunk.ts'
import type { PlannedSelect } from '../plan-select.ts'
import type { QueryContext } from '../query-context.ts'
import { runSelect } from '../run-select.ts'
import type { Assignment } from './assignment.ts'

/** The rows of a SELECT as files of the table, uploaded and not yet committed. */
export interface UploadedRows {
  /** None where there are no rows. */
  readonly chunks: readonly NewChunk[]
  readonly rows: number
  readonly runMs: number
}

/** Runs the SELECT into a file of the table; `tableId` is 0 for one that is yet to be made. */
export async function uploadRows(
  context: QueryContext,
  planned: PlannedSelect,
  assigned: readonly Assignment[],
  tableId: number,
): Promise<UploadedRows> {
  const columns = fileColumns(assigned)
  const file = await runSelect(context, planned, {
    projection: assigned.map(({ expression }, index) => ({ expression, name: columns[index]?.name ?? '' })),
    fieldIds: fieldIdsClause(columns),
  })
  if (file.rows === 0) return { chunks: [], rows: 0, runMs: file.runMs }
  const { accountId, ports } = context
  const chunk = writtenChunk(ports.store.newChunk({ accountId, tableId }), file, columns)
  const crc32 = await putChecked(ports, chunk.objectKey, file.path)
  return { chunks: [{ ...chunk, crc32 }], rows: file.rows, runMs: file.runMs }
}

/** DuckDB cannot write `Code` beside `code`; readers go by the field ids, whatever the names in a file. */
function fileColumns(assigned: readonly Assignment[]): Column[] {
  const named = queryColumns(assigned.map(({ column }) => column))
  return named.map(({ column, queryName }) => ({ ...column, name: queryName }))
}
