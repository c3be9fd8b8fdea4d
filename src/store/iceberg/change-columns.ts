import { AppError } from '../../base/errors.ts'
import { assignFieldIds, isFixedColumn } from '../columns.ts'
import type { Column } from '../store.ts'
import type { IcebergField } from './schema.ts'
import { icebergSchema, ownColumns } from './schema.ts'

/**
 * The columns that a schema adds to those of the table, under the ids that both sides count up to. Files of the same commit
 * carry the engine's ids, so those have to be the ones that we would give.
 */
export function addedColumns(
  columns: readonly Column[],
  nextFieldId: number,
  fields: readonly IcebergField[],
): readonly Column[] {
  const known = new Map(icebergSchema(columns, 0).fields.map((field) => [field.id, field]))
  const kept = fields.filter((field) => known.has(field.id))
  for (const field of kept) {
    const before = known.get(field.id)
    const isSame = before?.name === field.name && JSON.stringify(before.type) === JSON.stringify(field.type)
    if (!isSame) throw unsupported(`the column "${before?.name}" would be another one`)
  }
  const gone = columns.find((column) => !isFixedColumn(column) && !kept.some((field) => field.id === column.fieldId))
  if (gone !== undefined) throw unsupported(`the column "${gone.name}" would be gone`)
  const added = fields.filter((field) => !known.has(field.id)).toSorted((a, b) => a.id - b.id)
  const required = added.find((field) => field.required)
  if (required !== undefined) throw unsupported(`the column "${required.name}" would be required`)
  const assigned = assignFieldIds(ownColumns({ fields: added }), nextFieldId)
  const wanted = icebergSchema(assigned.columns, 0).fields
  if (JSON.stringify(wanted.map(idsOf)) !== JSON.stringify(added.map(idsOf))) {
    throw unsupported('the new columns would have other field ids than those that follow')
  }
  return assigned.columns
}

/** A field with all ids inside of it, and nothing else that a client may write in another way. */
function idsOf({ id, type }: IcebergField): unknown {
  const inner = (of: unknown): unknown => {
    if (typeof of !== 'object' || of === null) return null
    const ids = Object.entries(of).filter(([key]) => /^(id|.*-id|type|element|key|value|fields)$/.test(key))
    return Array.isArray(of)
      ? of.map(inner)
      : ids.map(([key, value]) => [
          key,
          typeof value === 'object' ? inner(value) : typeof value === 'number' ? value : '',
        ])
  }
  return [id, inner(type)]
}

function unsupported(reason: string): AppError {
  return new AppError('invalid_request', `The columns cannot be changed over Iceberg like this: ${reason}.`, {
    hint: 'Columns can be added. ALTER TABLE in our SQL renames, drops and retypes them.',
  })
}
