import { AppError } from '../../base/errors.ts'
import { fieldIdCount, queryColumns } from '../../store/columns.ts'
import type { ChunkChoice } from '../../store/conditions.ts'
import { isAnything, isNothing } from '../../store/conditions.ts'
import type { Chunk, Column, TableSnapshot } from '../../store/store.ts'
import type { Plan, PlannedScan, Shortcut } from '../engines/duckdb/tasks.ts'
import type { QueryStatistics } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import type { OpenedTable } from './resolve-tables.ts'
import { isAlways } from './time-ranges.ts'

/** A table of the query with the chunks that have a part in the answer. */
export interface ChosenScan {
  readonly snapshot: TableSnapshot
  readonly plan: PlannedScan
  readonly chunks: readonly Chunk[]
  /** How many chunks touch the times of the plan, before their statistics were asked. */
  readonly chunksInTime: number
  /** Compressed bytes of the columns that are read. */
  readonly bytes: number
}

/** Finds the chunks that the plan needs, and counts the bytes that it reads of them. */
export async function chooseChunks(
  context: QueryContext,
  tables: readonly OpenedTable[],
  { scans, shortcut }: Plan,
): Promise<ChosenScan[]> {
  const choice = shortcut?.kind === 'some_rows' ? { rowsEnough: shortcut.rows } : {}
  return await Promise.all(
    scans.map(async (plan) => {
      const opened = openedFor(tables, plan)
      const { snapshot } = opened
      const [chunks, chunksInTime] = await Promise.all([
        chunksOf(context, opened, plan, choice),
        countInTime(context, snapshot, plan, shortcut),
      ])
      const bytes = bytesToRead(snapshot, plan, chunks)
      return { snapshot, plan, chunks, chunksInTime: chunksInTime ?? chunks.length, bytes }
    }),
  )
}

/** The scans of a plan whose answer is known. */
export function unopenedScans(tables: readonly OpenedTable[], { scans }: Plan): ChosenScan[] {
  return scans.map((plan) => {
    const { snapshot } = openedFor(tables, plan)
    return { snapshot, plan, chunks: [], chunksInTime: 0, bytes: 0 }
  })
}

function openedFor(tables: readonly OpenedTable[], plan: PlannedScan): OpenedTable {
  const opened = tables.find(({ database, name }) => database === plan.database && name === plan.table)
  if (opened === undefined) throw new Error(`the plan scans ${plan.database}.${plan.table}, which was not opened`)
  return opened
}

/** Of a table without what another snapshot has, all have to be known, before those that both have are left out. */
async function chunksOf(
  { ports: { store } }: QueryContext,
  { snapshot, without }: OpenedTable,
  { ranges, condition }: PlannedScan,
  choice: ChunkChoice,
): Promise<Chunk[]> {
  if (ranges.length === 0 || isNothing(condition)) return []
  const filter = isAnything(condition) ? {} : { condition }
  if (without === undefined) return await store.findChunks(snapshot, ranges, isAnything(condition) ? choice : filter)
  const others = new Set((await store.findChunks(without, ranges)).map(({ id }) => id))
  return (await store.findChunks(snapshot, ranges, filter)).filter(({ id }) => !others.has(id))
}

/** Undefined where all of them are chosen. */
async function countInTime(
  { ports: { store } }: QueryContext,
  snapshot: TableSnapshot,
  { ranges, condition }: PlannedScan,
  shortcut: Shortcut | null,
): Promise<number | undefined> {
  if (isAnything(condition) && shortcut === null) return undefined
  return isAlways(ranges) ? snapshot.chunkCount : await store.countChunks(snapshot, ranges)
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
  return scans.map(({ snapshot, plan, chunks, chunksInTime, bytes }) => ({
    database: snapshot.table.database,
    table: snapshot.table.name,
    snapshot: snapshot.table.snapshot,
    chunksOpened: chunks.length,
    chunksTotal: snapshot.chunkCount,
    chunksInTime,
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
