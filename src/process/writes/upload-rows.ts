import { putChecked } from '../../base/objects/put-checked.ts'
import { fieldIdsClause, queryColumns } from '../../store/columns.ts'
import type { Column, NewChunk } from '../../store/store.ts'
import { writtenChunk } from '../../store/written-chunk.ts'
import type { PlannedSelect } from '../plan-select.ts'
import type { QueryContext } from '../query-context.ts'
import { runSelect } from '../run-select.ts'
import type { Assignment } from '../../store/assignment.ts'

/** The rows of a SELECT as files of the table, uploaded and not yet committed. */
export interface UploadedRows {
  /** None where there are no rows. */
  readonly chunks: readonly NewChunk[]
  readonly rows: number
  readonly runMs: number
}

/** Where an answer becomes several files, so that chunks stay of a size to be read and merged. */
const fileBytesMax = 256e6

/** Runs the SELECT into files of the table, as many as its size asks for; `tableId` is 0 for one that is yet to be made. */
export async function uploadRows(
  context: QueryContext,
  planned: PlannedSelect,
  assigned: readonly Assignment[],
  tableId: number,
): Promise<UploadedRows> {
  return await upload(context, planned, { assigned, tableId, fileBytes: fileBytesMax })
}

/** The same into one file, whose rows are in the order of the SELECT. */
export async function uploadOneFile(
  context: QueryContext,
  planned: PlannedSelect,
  assigned: readonly Assignment[],
  tableId: number,
): Promise<UploadedRows> {
  return await upload(context, planned, { assigned, tableId })
}

async function upload(
  context: QueryContext,
  planned: PlannedSelect,
  target: { readonly assigned: readonly Assignment[]; readonly tableId: number; readonly fileBytes?: number },
): Promise<UploadedRows> {
  const { assigned, tableId, ...size } = target
  const columns = fileColumns(assigned)
  const { files, rows, runMs } = await runSelect(context, planned, {
    projection: assigned.map(({ expression }, index) => ({ expression, name: columns[index]?.name ?? '' })),
    fieldIds: fieldIdsClause(columns),
    ...size,
  })
  const { accountId, ports } = context
  const chunks: NewChunk[] = []
  for (const file of files.filter((of) => of.rows > 0)) {
    const chunk = writtenChunk(ports.store.newChunk({ accountId, tableId }), file, columns)
    chunks.push({ ...chunk, crc32: await putChecked(ports, chunk.objectKey, file.path) })
  }
  return { chunks, rows, runMs }
}

/** DuckDB cannot write `Code` beside `code`; readers go by the field ids, whatever the names in a file. */
function fileColumns(assigned: readonly Assignment[]): Column[] {
  const named = queryColumns(assigned.map(({ column }) => column))
  return named.map(({ column, queryName }) => ({ ...column, name: queryName }))
}
