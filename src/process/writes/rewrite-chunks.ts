import { AppError, must } from '../../base/errors.ts'
import type { Chunk, NewChunk, TableSnapshot } from '../../store/store.ts'
import type { PlannedSelect } from '../plan-select.ts'
import type { StandIn } from '../planning/statement.ts'
import type { QueryContext } from '../query-context.ts'
import { runSelect } from '../run-select.ts'
import { assignments } from '../../store/assignment.ts'
import { pairInsert } from './target-columns.ts'
import { uploadOneFile } from './upload-rows.ts'

/** Two SELECTs over the same table, one the complement of the other, ready to be run over some chunks of it at a time. */
export interface Division {
  readonly snapshot: TableSnapshot
  /** By which both SELECTs call the table. */
  readonly target: StandIn
  /** One column for each row that goes. */
  readonly going: PlannedSelect
  /** All columns of each row that stays. */
  readonly staying: PlannedSelect
}

/** What came of chunks that were looked at together. */
export interface Rewritten {
  /** Those that a row goes from; none where all rows stay. */
  readonly removed: readonly Chunk[]
  /** The rows of those that stay. */
  readonly added: readonly NewChunk[]
  readonly runMs: number
}

/** Chunks that are rewritten together become one of at most this size; larger ones are rewritten alone. */
const groupBytesMax = 128e6
const groupChunksMax = 64

/**
 * Chunks that are dealt with together: of one layer, neighbours in time. Those of `known` groups stay together, so that what
 * was done with them before need not be done again.
 */
export function groupsOf(chunks: readonly Chunk[], known: readonly (readonly string[])[]): Chunk[][] {
  const byId = new Map(chunks.map((chunk) => [chunk.id, chunk]))
  const groups: Chunk[][] = []
  for (const ids of known) {
    const group = ids.flatMap((id) => byId.get(id) ?? [])
    if (group.length < ids.length) continue
    groups.push(group)
    for (const id of ids) byId.delete(id)
  }
  for (const layer of ['realtime', 'archive'] as const) {
    let group: Chunk[] = []
    let bytes = 0
    for (const chunk of [...byId.values()].filter((of) => of.layer === layer)) {
      if (group.length === groupChunksMax || (group.length > 0 && bytes + chunk.bytes > groupBytesMax)) {
        groups.push(group)
        group = []
        bytes = 0
      }
      group.push(chunk)
      bytes += chunk.bytes
    }
    if (group.length > 0) groups.push(group)
  }
  return groups
}

/** Counts which rows go, reading only what tells them; then writes those that stay, where there are both. */
export async function rewriteGroup(
  context: QueryContext,
  division: Division,
  group: readonly Chunk[],
): Promise<Rewritten> {
  const counted = await runSelect(context, over(division, division.going, group), {
    projection: [{ expression: 'true', name: 'goes' }],
    fieldIds: null,
  })
  if (counted.rows === 0) return { removed: [], added: [], runMs: counted.runMs }
  const rows = group.reduce((sum, chunk) => sum + chunk.rows, 0)
  if (counted.rows === rows) return { removed: group, added: [], runMs: counted.runMs }
  const { table } = division.snapshot
  const pairings = pairInsert(table, division.staying.plan.columns, { listed: null, isValues: false })
  const planned = over(division, division.staying, group)
  const kept = await uploadOneFile(context, planned, assignments(pairings, 0), table.id)
  if (kept.rows !== rows - counted.rows) throw unsteady(rows, counted.rows, kept.rows)
  const added = kept.chunks.map((chunk) => ({ ...chunk, ...orderOf(group) }))
  return { removed: group, added, runMs: counted.runMs + kept.runMs }
}

/** A file that is read in its order is written in the same; several are, where they lie in time as they are sorted by it. */
function orderOf(group: readonly Chunk[]): Pick<NewChunk, 'layer' | 'sortedBy'> {
  const first = must(group[0], 'a group has a chunk')
  const byTime = group.every(({ sortedBy, timeRange }, index) => {
    const before = group[index - 1]
    return sortedBy?.join() === '1' && (before === undefined || before.timeRange.to <= timeRange.from)
  })
  const isKept = first.sortedBy !== undefined && (group.length === 1 || byTime)
  return { layer: first.layer, ...(isKept && { sortedBy: first.sortedBy }) }
}

/** The SELECT over these chunks of the table instead of all; other tables, and other places that name it, stay whole. */
function over({ target }: Division, planned: PlannedSelect, group: readonly Chunk[]): PlannedSelect {
  const bytes = group.reduce((sum, chunk) => sum + chunk.bytes, 0)
  const scans = planned.scans.map((scan) => {
    const isTarget = scan.plan.database === target.database && scan.plan.table === target.name
    return isTarget ? { ...scan, chunks: group, bytes } : scan
  })
  return { ...planned, scans }
}

function unsteady(rows: number, going: number, staying: number): AppError {
  return new AppError(
    'query_semantic',
    `Of ${rows} rows the condition chose ${going} at first, and left ${staying} afterwards; nothing was changed.`,
    { hint: 'A condition has to say the same of a row each time: mind LIMIT without ORDER BY in its queries.' },
  )
}
