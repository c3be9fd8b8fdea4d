import type { Queryable } from '../base/postgres/postgres.ts'
import { Sql, sql } from '../base/postgres/postgres.ts'
import type { ChunkCondition } from './conditions.ts'
import type { LogicalType } from './types.ts'

/** A column that statistics are asked about, and since when those of a file say what queries see in it. */
export interface KnownField {
  readonly fieldId: number
  readonly type: LogicalType
  /** Files of versions before it do not have the column. */
  readonly addedVersion: number
  /** To files of versions before it, queries look elsewhere as well: for values of a field that was replaced, or rescued. */
  readonly trustedVersion: number
}

/** The versions of fields, over everything that was done to their columns until `version`. The fixed ones have none. */
export async function selectFieldVersions(
  db: Queryable,
  table: { accountId: number; tableId: number; version: number },
  fieldIds: readonly number[],
): Promise<{ field_id: number; added_version: number; trusted_version: number }[]> {
  return await db.query(
    sql`
    select field_id, min(added_version) as added_version,
           coalesce(max(added_version) filter (where replaces is not null or restores), 0) as trusted_version
      from columns
     where table_id = ${table.tableId} and account_id = ${table.accountId} and field_id = any(${fieldIds}::integer[])
       and added_version <= ${table.version}
     group by field_id`.prepared('store_field_versions'),
  )
}

/**
 * The statistics of the fields under names of their own, to be joined to a row of `chunks`: each is looked up once in what may be
 * a large document, however often it is asked.
 */
export function knownStatistics(fieldIds: Iterable<number>): Sql {
  const looked = [...fieldIds].map((fieldId) => new Sql([`column_statistics->'${fieldId}' as f${fieldId}`], []))
  if (looked.length === 0) return sql``
  // Without the offset, PostgreSQL would put the expressions wherever the names stand.
  return sql`cross join lateral (select ${listed(looked)} offset 0) as known`
}

function statistics(fieldId: number): Sql {
  return new Sql([`known.f${fieldId}`], [])
}

/**
 * Whether a chunk can have rows that fulfil the condition, over a row of `chunks` with its `knownStatistics`: what these do not
 * say, they do not exclude. A field that is not known excludes nothing.
 */
export function canFulfil(condition: ChunkCondition, fields: ReadonlyMap<number, KnownField>): Sql {
  if ('of' in condition) {
    const parts = condition.of.map((part) => canFulfil(part, fields))
    return condition.kind === 'all'
      ? parts.reduce((sum, part) => sql`${sum} and ${part}`, sql`true`)
      : sql`(${parts.reduce((sum, part) => sql`${sum} or ${part}`, sql`false`)})`
  }
  const field = fields.get(condition.fieldId)
  if (field === undefined) return sql`true`
  const fulfils = canFulfilOf(condition, field)
  return field.trustedVersion === 0 ? fulfils : sql`(schema_version < ${field.trustedVersion} or ${fulfils})`
}

function canFulfilOf(condition: Exclude<ChunkCondition, { kind: 'all' | 'any' }>, field: KnownField): Sql {
  switch (condition.kind) {
    case 'null':
      return sql`coalesce(${nulls(field)} > 0, true)`
    case 'value':
      return hasValues(field)
    case 'within': {
      const { low, high } = condition
      const below = low === null ? sql`true` : sql`coalesce(${bound(field, 'max')} >= ${typed(field.type, low)}, true)`
      const above =
        high === null ? sql`true` : sql`coalesce(${bound(field, 'min')} <= ${typed(field.type, high)}, true)`
      return sql`(${below} and ${above} and ${hasValues(field)})`
    }
  }
}

/** A file of a time before the column has none; of others without statistics it is not known why they say nothing. */
function hasValues(field: KnownField): Sql {
  return sql`coalesce(${nulls(field)} < rows, schema_version >= ${field.addedVersion})`
}

/** Null where there are no statistics of the field. */
export function nulls({ fieldId }: KnownField): Sql {
  return sql`(${statistics(fieldId)}->>'nulls')::bigint`
}

/** A bound as a value that PostgreSQL compares as DuckDB does; null where it is not known. */
export function bound({ fieldId, type }: KnownField, side: 'min' | 'max'): Sql {
  const text = sql`(${statistics(fieldId)}->>${side}::text)`
  switch (type.kind) {
    case 'double':
      // Bounds leave NaN out, and it is above all others.
      return side === 'min'
        ? sql`${text}::float8`
        : sql`case when ${statistics(fieldId)}->'nan' = 'false' then ${text}::float8 end`
    case 'date':
    case 'timestamp':
      // As text in order only within the years of four digits: neither "infinity", nor "12024-01-01", nor "0044-03-15 (BC)".
      return sql`case when substr(${text}, 5, 1) = '-' and right(${text}, 1) <> ')' then ${text} end collate "C"`
    default:
      return typedText(type, text)
  }
}

function typed(type: LogicalType, value: string): Sql {
  return typedText(type, sql`${value}::text`)
}

function typedText(type: LogicalType, text: Sql): Sql {
  switch (type.kind) {
    case 'bigint':
      return sql`${text}::bigint`
    case 'decimal':
      return sql`${text}::numeric`
    case 'double':
      return sql`${text}::float8`
    case 'boolean':
      return sql`${text}::boolean`
    default:
      return sql`${text} collate "C"`
  }
}

/** With commas between. */
export function listed([first = sql``, ...more]: readonly Sql[]): Sql {
  return more.reduce((list, next) => sql`${list}, ${next}`, first)
}
