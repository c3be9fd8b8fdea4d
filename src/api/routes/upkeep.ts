import type { Access, Principal } from '../../access/access.ts'
import { AppError } from '../../base/errors.ts'
import type { DamagedChunk, TableLayout, Upkeep } from '../../store/upkeep.ts'
import { apiPrefix } from '../contract/operation.ts'
import { getTableLayout, listDamagedChunks, verifyTables } from '../contract/upkeep.ts'
import { jobJson } from '../job-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireFullKey, requireReader } from '../sight.ts'

/** Whether the files of tables are sound, and how they lie. */
export function serveUpkeep(host: OperationHost, access: Access, upkeep: Upkeep): void {
  serveOperation(host, verifyTables).with(async ({ principal, body }) => {
    await requireVerifier(access, principal, body)
    const job = await upkeep.verify(principal, body)
    return { status: 202, body: jobJson(job), headers: { location: `${apiPrefix}/jobs/${job.id}` } }
  })

  serveOperation(host, getTableLayout).with(async ({ principal, params }) => {
    requireReader(principal)
    await access.require(principal, params.database, 'query')
    return { status: 200, body: layoutJson(await upkeep.layout(principal.accountId, params.database, params.table)) }
  })

  serveOperation(host, listDamagedChunks).with(async ({ principal, params }) => {
    requireReader(principal)
    await access.require(principal, params.database, 'query')
    const chunks = await upkeep.damagedChunks(principal.accountId, params.database, params.table)
    return { status: 200, body: { items: chunks.map(damagedJson), next_cursor: null } }
  })
}

async function requireVerifier(
  access: Access,
  principal: Principal,
  { database, table }: { database: string | null; table: string | null },
): Promise<void> {
  requireFullKey(principal, 'verify tables')
  if (database !== null) return await access.require(principal, database, 'full')
  if (table === null) return access.requireAdministrator(principal)
  throw new AppError('invalid_request', `The table "${table}" has no database.`, { hint: 'Name its database, too.' })
}

function layoutJson(layout: TableLayout) {
  const { mergesDue, overlap, histogram, history, damaged } = layout
  return {
    snapshot: layout.snapshot,
    layers: layout.layers.map(({ smallChunks, smallBytes, ...layer }) => {
      return { ...layer, small_chunks: smallChunks, small_bytes: smallBytes }
    }),
    small_bytes_max: layout.smallBytesMax,
    merges_due: mergesDue,
    overlap: { deepest: overlap.deepest, average: overlap.average, exact: overlap.isExact },
    histogram: { step_seconds: histogram.stepSeconds, steps: [...histogram.steps] },
    largest: [...layout.largest],
    history,
    damaged,
  }
}

function damagedJson({ objectKey, timeRange, byteOffset, setAsideAt, ...chunk }: DamagedChunk) {
  return {
    ...chunk,
    object_key: objectKey,
    ...timeRange,
    byte_offset: byteOffset,
    set_aside_at: setAsideAt.toISOString(),
  }
}
