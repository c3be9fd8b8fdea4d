import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import type { ChunkPlace } from './chunks.sql.ts'
import { chunkOf, selectChunks } from './chunks.sql.ts'
import { fieldsOf } from './conditions.ts'
import type { KnownField } from './conditions.sql.ts'
import { canFulfil, selectFieldVersions } from './conditions.sql.ts'
import type { Chunk, ChunkChoice, TableSnapshot, TimeRange } from './store.ts'
import { coversAllTimes, formatMultirange } from './time-ranges.ts'

export function placeOf({ table }: TableSnapshot, ranges: readonly TimeRange[]): ChunkPlace {
  const { accountId, id, snapshot } = table
  return { accountId, tableId: id, snapshot, ranges: coversAllTimes(ranges) ? null : formatMultirange(ranges) }
}

/** The chunks of the snapshot that touch the ranges and fit the choice. */
export async function findChunks(
  postgres: Postgres,
  snapshot: TableSnapshot,
  ranges: readonly TimeRange[],
  { condition, rowsEnough }: ChunkChoice,
): Promise<Chunk[]> {
  const passes = condition && canFulfil(condition, await knownFields(postgres, snapshot, [...fieldsOf(condition)]))
  // Every chunk has a row at least.
  const limit = rowsEnough === undefined ? {} : { limit: Math.max(1, rowsEnough) }
  const rows = await selectChunks(postgres, placeOf(snapshot, ranges), { ...(passes && { passes }), ...limit })
  const chunks = rows.map(chunkOf)
  return rowsEnough === undefined ? chunks : enough(chunks, rowsEnough)
}

function enough(chunks: readonly Chunk[], rowsEnough: number): Chunk[] {
  let rows = 0
  return chunks.filter((chunk) => {
    const isNeeded = rows < rowsEnough
    rows += chunk.rows
    return isNeeded
  })
}

/** Those of the fields that are columns of the snapshot, with their versions. */
export async function knownFields(
  db: Queryable,
  { table }: TableSnapshot,
  fieldIds: readonly number[],
): Promise<ReadonlyMap<number, KnownField>> {
  if (fieldIds.length === 0) return new Map()
  const place = { accountId: table.accountId, tableId: table.id, version: table.schemaVersion }
  const versions = new Map((await selectFieldVersions(db, place, fieldIds)).map((row) => [row.field_id, row]))
  const columns = table.columns.filter(({ fieldId }) => fieldIds.includes(fieldId))
  return new Map(
    columns.map(({ fieldId, type }) => {
      const version = versions.get(fieldId)
      const addedVersion = version?.added_version ?? 0
      return [fieldId, { fieldId, type, addedVersion, trustedVersion: version?.trusted_version ?? 0 }]
    }),
  )
}
