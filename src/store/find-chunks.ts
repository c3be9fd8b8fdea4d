import type { Queryable } from '../base/postgres/postgres.ts'
import type { ChunkFilter, ChunkPlace } from './chunks.sql.ts'
import { chunkOf, isInside, selectChunks } from './chunks.sql.ts'
import { fieldsOf } from './conditions.ts'
import type { KnownField } from './conditions.sql.ts'
import { canFulfil, knownStatistics } from './conditions.sql.ts'
import type { ChunkChoice } from './conditions.ts'
import type { FieldVersions } from './field-versions.ts'
import type { Chunk, TableSnapshot, TimeRange } from './store.ts'
import { coversAllTimes, formatMultirange } from './time-ranges.ts'

export function placeOf({ table }: TableSnapshot, ranges: readonly TimeRange[]): ChunkPlace {
  const { accountId, id, snapshot } = table
  return { accountId, tableId: id, snapshot, ranges: coversAllTimes(ranges) ? null : formatMultirange(ranges) }
}

/** The chunks of the snapshot that touch the ranges and fit the choice. */
export async function findChunks(
  db: Queryable,
  fieldVersions: FieldVersions,
  snapshot: TableSnapshot,
  ranges: readonly TimeRange[],
  { condition, rowsEnough }: ChunkChoice,
): Promise<Chunk[]> {
  const place = placeOf(snapshot, ranges)
  if (condition !== undefined) {
    const fields = await knownFields(fieldVersions, snapshot, [...fieldsOf(condition)])
    return await allOf(db, place, { passes: canFulfil(condition, fields), joined: knownStatistics(fields.keys()) })
  }
  const some = rowsEnough === undefined ? undefined : await enoughOf(db, place, Math.max(1, rowsEnough))
  return some ?? (await allOf(db, place))
}

async function allOf(db: Queryable, place: ChunkPlace, filter: ChunkFilter = {}): Promise<Chunk[]> {
  return (await selectChunks(db, place, filter)).map(chunkOf)
}

/** Some chunks inside of the ranges that have so many rows; undefined where they have not. */
async function enoughOf(db: Queryable, place: ChunkPlace, rowsEnough: number): Promise<Chunk[] | undefined> {
  // Every chunk has a row at least.
  const found = await selectChunks(db, place, { passes: isInside(place), limit: rowsEnough })
  let rows = 0
  const needed = found.map(chunkOf).filter((chunk) => {
    const isNeeded = rows < rowsEnough
    rows += chunk.rows
    return isNeeded
  })
  return rows < rowsEnough ? undefined : needed
}

/** Those of the fields that are columns of the snapshot, with their versions. */
export async function knownFields(
  fieldVersions: FieldVersions,
  { table }: TableSnapshot,
  fieldIds: readonly number[],
): Promise<ReadonlyMap<number, KnownField>> {
  if (fieldIds.length === 0) return new Map()
  const versions = await fieldVersions.of(table, fieldIds)
  const columns = table.columns.filter(({ fieldId }) => fieldIds.includes(fieldId))
  return new Map(
    columns.map(({ fieldId, type }) => {
      const version = versions.get(fieldId)
      const addedVersion = version?.added_version ?? 0
      return [fieldId, { fieldId, type, addedVersion, trustedVersion: version?.trusted_version ?? 0 }]
    }),
  )
}
