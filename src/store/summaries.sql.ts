import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { ChunkPlace } from './chunks.sql.ts'
import { chunksAt, isInside } from './chunks.sql.ts'
import type { KnownField } from './conditions.sql.ts'
import { bound, nulls, statistics } from './conditions.sql.ts'

/** A figure of a known field; null for the number of rows. */
export interface Figure {
  readonly kind: 'rows' | 'count' | 'min' | 'max'
  readonly field: KnownField | null
}

/**
 * The figures over the chunks that touch the ranges, or null where a chunk is only in part inside of `inside`, or does not
 * say. The array has one text for each figure.
 */
export async function selectSummary(
  db: Queryable,
  place: ChunkPlace,
  figures: readonly Figure[],
): Promise<readonly (string | null)[] | undefined> {
  const known = figures.reduce((all, figure) => sql`${all} and ${isKnown(figure)}`, isInside(place))
  const [first = sql`null`, ...more] = figures.map(value)
  const values = more.reduce((list, next) => sql`${list}, ${next}`, first)
  const rows = await db.query<{ known: boolean; values: readonly (string | null)[] }>(sql`
    select coalesce(bool_and(${known}), true) as known, array[${values}]::text[] as values
      from (${chunksAt(place)}) as chosen`)
  return rows[0]?.known === true ? rows[0].values : undefined
}

function isKnown({ kind, field }: Figure): Sql {
  if (field === null) return sql`true`
  const { fieldId, addedVersion, trustedVersion } = field
  const counted = sql`schema_version >= ${trustedVersion}
                      and (${statistics(fieldId)} is not null or schema_version < ${addedVersion})`
  if (kind === 'count') return counted
  return sql`${counted} and (${isEmpty(fieldId)} or ${bound(field, kind === 'min' ? 'min' : 'max')} is not null)`
}

/** No row of the chunk has a value. */
function isEmpty(fieldId: number): Sql {
  return sql`(${statistics(fieldId)} is null or ${nulls(fieldId)} = rows)`
}

function value({ kind, field }: Figure): Sql {
  if (field === null) return sql`coalesce(sum(rows), 0)::text`
  const { fieldId, type } = field
  switch (kind) {
    case 'min':
      return type.kind === 'boolean'
        ? sql`bool_and(${bound(field, 'min')})::text`
        : sql`min(${bound(field, 'min')})::text`
    case 'max':
      return type.kind === 'boolean'
        ? sql`bool_or(${bound(field, 'max')})::text`
        : sql`max(${bound(field, 'max')})::text`
    default:
      return sql`coalesce(sum(case when ${statistics(fieldId)} is null then 0 else rows - ${nulls(fieldId)} end), 0)::text`
  }
}
