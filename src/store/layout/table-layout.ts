import type { Clock } from '../../base/clock.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { selectRealtime } from '../merge/merge.sql.ts'
import { planMajorMerges, planMinorMerges } from '../merge/plan-merges.ts'
import type { Table } from '../store.ts'
import type { TableLayout } from '../upkeep.ts'
import { probeOverlap, selectBuckets, selectKept, selectLargest, selectLayers, selectOverlap } from './layout.sql.ts'
import type { LayerRow } from './layout.sql.ts'

/** Each smaller file costs a query more to open than to read. */
const smallBytes = 16 * 2 ** 20

const largestMax = 10

/** A histogram has at most about so many steps, each of whole hours, or of whole days. */
const stepsMax = 100
const hourSeconds = 3600
const daySeconds = 24 * hourSeconds

/**
 * How the chunks of a table lie. Whatever there is one of per chunk is counted by PostgreSQL, so that the answer is small and
 * its time bounded for a table of a million of them.
 */
export async function tableLayout(postgres: Postgres, clock: Clock, table: Table): Promise<TableLayout> {
  const key = { accountId: table.accountId, tableId: table.id }
  const layers = await selectLayers(postgres, key, smallBytes)
  const times = layers.flatMap((layer) => [layer.time_from, layer.time_to])
  const stepSeconds = stepOf(layers.length === 0 ? 0 : Math.max(...times) - Math.min(...times))
  const [buckets, overlap, largest, kept, due] = await Promise.all([
    selectBuckets(postgres, key, stepSeconds),
    overlapOf(postgres, key, layers),
    selectLargest(postgres, key, largestMax),
    selectKept(postgres, key),
    mergesDue(postgres, clock, table),
  ])
  return {
    snapshot: table.snapshot,
    layers: layers.map(({ layer, chunks, rows, bytes, time_from: from, time_to: to, ...small }) => {
      return { layer, chunks, rows, bytes, from, to, smallChunks: small.small_chunks, smallBytes: small.small_bytes }
    }),
    smallBytesMax: smallBytes,
    mergesDue: due,
    overlap,
    histogram: {
      stepSeconds,
      steps: buckets.map(({ time_from: from, ...counts }) => ({ from, ...counts })),
    },
    largest: largest.map(({ time_from: from, time_to: to, ...chunk }) => ({ ...chunk, from, to })),
    history: { chunks: kept.history_chunks, bytes: kept.history_bytes },
    damaged: { chunks: kept.damaged_chunks, rows: kept.damaged_rows },
  }
}

/** Sorting the ends of more chunks would take longer than somebody waits: three quarters of a minute for a million on a busy machine. */
const sweptChunksMax = 50_000
const probes = 500

async function overlapOf(
  postgres: Postgres,
  key: { accountId: number; tableId: number },
  layers: readonly LayerRow[],
): Promise<TableLayout['overlap']> {
  const chunks = layers.reduce((sum, layer) => sum + layer.chunks, 0)
  if (chunks <= sweptChunksMax) return { ...(await selectOverlap(postgres, key)), isExact: true }
  const from = Math.min(...layers.map((layer) => layer.time_from))
  const to = Math.max(...layers.map((layer) => layer.time_to))
  return { ...(await probeOverlap(postgres, key, { count: probes, from, to })), isExact: false }
}

function stepOf(seconds: number): number {
  if (seconds <= stepsMax * hourSeconds) return hourSeconds
  return Math.max(1, Math.ceil(seconds / daySeconds / stepsMax)) * daySeconds
}

/** By the rules by which merges are planned; realtime chunks are never many. */
async function mergesDue(postgres: Postgres, clock: Clock, table: Table): Promise<TableLayout['mergesDue']> {
  const { id: tableId, accountId, restatedVersion } = table
  const rows = await selectRealtime(postgres, { accountId, tableId, restatedVersion })
  const chunks = rows.map((row) => ({
    id: row.id,
    layer: row.layer,
    timeRange: { from: row.time_from, to: row.time_to },
    rows: row.rows,
    bytes: row.bytes,
    createdAt: row.created_at,
  }))
  const major = planMajorMerges(chunks, clock.nowMs())
  const archiving = new Set(major.flatMap(({ inputs }) => inputs))
  const minor = planMinorMerges(chunks.filter((chunk) => !archiving.has(chunk)))
  const inputs = [...major, ...minor].flatMap((merge) => merge.inputs)
  return {
    minor: minor.length,
    major: major.length,
    chunks: inputs.length,
    bytes: inputs.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
