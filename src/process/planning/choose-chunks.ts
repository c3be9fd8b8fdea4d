import { AppError } from '../../base/errors.ts'
import { fieldIdCount, queryColumns } from '../../store/columns.ts'
import type { Chunk, Column, TableSnapshot } from '../../store/store.ts'
import type { PlannedScan } from '../engines/duckdb/tasks.ts'
import type { QueryStatistics } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import type { OpenedTable } from './resolve-tables.ts'

/** A table of the query with the chunks that have a part in the answer. */
export interface ChosenScan {
  readonly snapshot: TableSnapshot
  readonly plan: PlannedScan
  readonly chunks: readonly Chunk[]
  /** Compressed bytes of the columns that are read. */
  readonly bytes: number
}

/**
 * Finds the chunks that the plan needs and counts their bytes. Fails with `scan_limit_exceeded`, before anything was read,
 * where that is more than the limit.
 */
export async function chooseChunks(
  context: QueryContext,
  tables: readonly OpenedTable[],
  plans: readonly PlannedScan[],
): Promise<ChosenScan[]> {
  const scans: ChosenScan[] = []
  for (const plan of plans) {
    const opened = tables.find(({ database, name }) => database === plan.database && name === plan.table)
    if (opened === undefined) throw new Error(`the plan scans ${plan.database}.${plan.table}, which was not opened`)
    const { snapshot } = opened
    const chunks = plan.ranges.length === 0 ? [] : await context.ports.store.findChunks(snapshot, plan.ranges)
    scans.push({ snapshot, plan, chunks, bytes: bytesToRead(snapshot, plan, chunks) })
  }
  return scans
}

function bytesToRead({ table }: TableSnapshot, { columns }: PlannedScan, chunks: readonly Chunk[]): number {
  const read = new Set(columns)
  const fields = queryColumns(table.columns).filter(({ queryName }) => read.has(queryName))
  const ids = fields.flatMap(({ column }) => fieldIdsOf(column))
  return chunks.reduce((sum, { statistics }) => sum + ids.reduce((of, id) => of + (statistics[id]?.bytes ?? 0), 0), 0)
}

/** A nested column's bytes are counted at the fields inside of it, whose ids follow its own. */
function fieldIdsOf(column: Column): number[] {
  return Array.from({ length: fieldIdCount(column.type) }, (_, index) => column.fieldId + index)
}

export function requireWithinLimit(context: QueryContext, scans: readonly ChosenScan[]): void {
  const bytes = bytesOf(scans)
  const { scanBytes } = context.limits
  if (bytes <= scanBytes) return
  const most = scans.toSorted((a, b) => b.bytes - a.bytes)[0]?.snapshot.table
  throw new AppError(
    'scan_limit_exceeded',
    `The query would read ${formatBytes(bytes)}, and the limit is ${formatBytes(scanBytes)}; nothing was read.`,
    {
      hint: `Most of it is ${most?.database}.${most?.name}. Narrow its time range, or select fewer columns; EXPLAIN shows what is read.`,
    },
  )
}

export function bytesOf(scans: readonly ChosenScan[]): number {
  return scans.reduce((sum, scan) => sum + scan.bytes, 0)
}

export function scanStatistics(scans: readonly ChosenScan[]): QueryStatistics['scans'] {
  return scans.map(({ snapshot, plan, chunks, bytes }) => ({
    database: snapshot.table.database,
    table: snapshot.table.name,
    snapshot: snapshot.table.snapshot,
    chunksOpened: chunks.length,
    chunksTotal: snapshot.chunkCount,
    columns: plan.columns,
    timeRanges: plan.ranges.map(({ from, to }) => [finite(from), finite(to)] as const),
    bytes,
  }))
}

function finite(seconds: number): number | null {
  return Number.isFinite(seconds) ? seconds : null
}

/** `0 B`, `12.3 kB`, `1.2 GB`: powers of a thousand. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step]}`
}
