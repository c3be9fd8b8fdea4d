import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
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
  return await db.query(sql`
    select field_id, min(added_version) as added_version,
           coalesce(max(added_version) filter (where replaces is not null or restores), 0) as trusted_version
      from columns
     where table_id = ${table.tableId} and account_id = ${table.accountId} and field_id = any(${fieldIds}::integer[])
       and added_version <= ${table.version}
     group by field_id`)
}

/**
 * Whether a chunk can have rows that fulfil the condition, over a row of `chunks`: what its statistics do not say, they do
 * not exclude. A field that is not known excludes nothing.
 */
export function canFulfil(condition: ChunkCondition, fields: ReadonlyMap<number, KnownField>): Sql {
  switch (condition.kind) {
    case 'all':
      return condition.of.reduce((sum, part) => sql`${sum} and ${canFulfil(part, fields)}`, sql`true`)
    case 'any':
      return sql`(${condition.of.reduce((sum, part) => sql`${sum} or ${canFulfil(part, fields)}`, sql`false`)})`
    case 'null':
      return asked(fields.get(condition.fieldId), sql`true`, ({ fieldId }) => sql`${nulls(fieldId)} > 0`)
    case 'value':
      return asked(fields.get(condition.fieldId), lacking, hasValues)
    case 'within': {
      const { low, high } = condition
      return asked(fields.get(condition.fieldId), lacking, (field) => {
        const above =
          high === null ? sql`true` : sql`coalesce(${bound(field, 'min')} <= ${typed(field.type, high)}, true)`
        const below =
          low === null ? sql`true` : sql`coalesce(${bound(field, 'max')} >= ${typed(field.type, low)}, true)`
        return sql`${hasValues(field)} and ${above} and ${below}`
      })
    }
  }
}

/** Whether a chunk without statistics of the field may have values of it. */
type Lacking = (field: KnownField) => Sql

/** A file of a time before the column has none; of others it is not known why they say nothing. */
const lacking: Lacking = ({ addedVersion }) => sql`schema_version >= ${addedVersion}`

function asked(field: KnownField | undefined, absent: Sql | Lacking, present: (field: KnownField) => Sql): Sql {
  if (field === undefined) return sql`true`
  const isAbsent = typeof absent === 'function' ? absent(field) : absent
  return sql`case when schema_version < ${field.trustedVersion} then true
                  when ${statistics(field.fieldId)} is null then ${isAbsent}
                  else ${present(field)} end`
}

function hasValues({ fieldId }: KnownField): Sql {
  return sql`${nulls(fieldId)} < rows`
}

export function nulls(fieldId: number): Sql {
  return sql`(${statistics(fieldId)}->>'nulls')::bigint`
}

export function statistics(fieldId: number): Sql {
  return sql`(column_statistics->${String(fieldId)}::text)`
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
