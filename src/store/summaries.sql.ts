import type { Queryable } from '../base/postgres/postgres.ts'
import { Sql, sql } from '../base/postgres/postgres.ts'
import type { ChunkPlace } from './chunks.sql.ts'
import { chunksAt, isInside } from './chunks.sql.ts'
import type { Summary } from './conditions.ts'
import type { KnownField } from './conditions.sql.ts'
import { bound, knownStatistics, listed, nulls } from './conditions.sql.ts'

/** A figure of a known field; null for the number of rows. */
export interface Figure {
  readonly kind: 'rows' | 'count' | 'min' | 'max'
  readonly field: KnownField | null
}

/**
 * The figures over the chunks that touch the ranges, as text; undefined where a chunk is only in part inside of these, or its
 * statistics do not say.
 */
export async function selectSummary(
  db: Queryable,
  place: ChunkPlace,
  figures: readonly Figure[],
): Promise<Summary | undefined> {
  const joined = knownStatistics(new Set(figures.flatMap(({ field }) => (field === null ? [] : [field.fieldId]))))
  const columns = listed([
    sql`${isInside(place)} as inside`,
    ...figures.flatMap((of, index) => [
      sql`${part(of)} as ${partName(index)}`,
      sql`${isSaid(of)} as ${saidName(index)}`,
    ]),
  ])
  const known = figures.reduce((all, of, index) => sql`${all} and ${isKnown(of, index)}`, sql`inside`)
  const rows = await db.query<{ known: boolean; figures: Summary }>(sql`
    select coalesce(bool_and(${known}), true) as known, array[${listed(figures.map(whole))}]::text[] as figures
      from (${chunksAt(place, { joined, columns })} offset 0) as chunk`)
  return rows[0]?.known === true ? rows[0].figures : undefined
}

function partName(index: number): Sql {
  return new Sql([`part${index}`], [])
}

function saidName(index: number): Sql {
  return new Sql([`said${index}`], [])
}

/** What one chunk adds to the figure. */
function part({ kind, field }: Figure): Sql {
  if (field === null) return sql`rows`
  return kind === 'min' || kind === 'max' ? bound(field, kind) : sql`coalesce(rows - ${nulls(field)}, 0)`
}

/** Whether the chunk says how many values it has; false where it has none, and true where it has some; else null. */
function isSaid({ field }: Figure): Sql {
  if (field === null) return sql`true`
  const { addedVersion, trustedVersion } = field
  return sql`case when schema_version >= ${trustedVersion}
                  then coalesce(${nulls(field)} < rows, case when schema_version < ${addedVersion} then false end) end`
}

function isKnown({ kind }: Figure, index: number): Sql {
  const isCounted = sql`${saidName(index)} is not null`
  if (kind !== 'min' && kind !== 'max') return isCounted
  return sql`${isCounted} and (not ${saidName(index)} or ${partName(index)} is not null)`
}

function whole({ kind, field }: Figure, index: number): Sql {
  const parts = partName(index)
  if (kind !== 'min' && kind !== 'max') return sql`coalesce(sum(${parts}), 0)::text`
  const isBoolean = field?.type.kind === 'boolean'
  if (kind === 'min') return isBoolean ? sql`bool_and(${parts})::text` : sql`min(${parts})::text`
  return isBoolean ? sql`bool_or(${parts})::text` : sql`max(${parts})::text`
}
