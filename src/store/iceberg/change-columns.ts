import { isDeepStrictEqual } from 'node:util'

import { AppError } from '../../base/errors.ts'
import { assignFieldIds, isFixedColumn } from '../columns.ts'
import type { Column } from '../store.ts'
import type { IcebergField, IcebergType } from './schema.ts'
import { icebergSchema, logicalType, ownColumns } from './schema.ts'

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
    const isSame = before?.name === field.name && isDeepStrictEqual(shapeOf(before), shapeOf(field))
    if (!isSame) throw unsupported(`the column "${before?.name}" would be another one`)
  }
  const gone = columns.find((column) => !isFixedColumn(column) && !kept.some((field) => field.id === column.fieldId))
  if (gone !== undefined) throw unsupported(`the column "${gone.name}" would be gone`)
  const added = fields.filter((field) => !known.has(field.id)).toSorted((a, b) => a.id - b.id)
  const required = added.find((field) => field.required)
  if (required !== undefined) throw unsupported(`the column "${required.name}" would be required`)
  const assigned = assignFieldIds(ownColumns({ fields: added }), nextFieldId)
  const wanted = icebergSchema(assigned.columns, 0).fields
  if (!isDeepStrictEqual(wanted.map(shapeOf), added.map(shapeOf))) {
    throw unsupported('the new columns would have other field ids than those that follow')
  }
  return assigned.columns
}

/** The type of a field with all ids in it, and nothing that another engine may say in another way. */
function shapeOf({ id, name, type }: IcebergField): unknown {
  return { id, type: logicalType(name, type), inner: innerIds(type) }
}

function innerIds(type: IcebergType): unknown {
  if (typeof type === 'string') return null
  if (type.type === 'list') return [type['element-id'], innerIds(type.element)]
  if (type.type === 'map') return [type['key-id'], innerIds(type.key), type['value-id'], innerIds(type.value)]
  return type.fields.map((field) => [field.id, innerIds(field.type)])
}

function unsupported(reason: string): AppError {
  return new AppError('invalid_request', `The columns cannot be changed over Iceberg like this: ${reason}.`, {
    hint: 'Columns can be added. ALTER TABLE in our SQL renames, drops and retypes them.',
  })
}
