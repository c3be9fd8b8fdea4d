import { isDeepStrictEqual } from 'node:util'

import { AppError } from '../../base/errors.ts'
import { assignFieldIds, isFixedColumn, queryColumns } from '../columns.ts'
import type { Column, ColumnChange } from '../store.ts'
import type { IcebergField, IcebergType } from './schema.ts'
import { icebergSchema, logicalType, ownColumns } from './schema.ts'

/** What another engine does to the columns of a table. */
export interface ColumnPlan {
  /** Columns behind those that there are, under the ids that the engine gave them: its files of the same commit have them. */
  readonly added: readonly Column[]
  /** What changes columns that there are, each by itself. */
  readonly changes: readonly ColumnChange[]
}

export const noColumns: ColumnPlan = { added: [], changes: [] }

/** Finds what leads from the columns of the table to the fields of the engine's schema, which knows them by their ids. */
export function planColumns(
  columns: readonly Column[],
  nextFieldId: number,
  fields: readonly IcebergField[],
): ColumnPlan {
  const known = new Map(icebergSchema(columns, 0).fields.map((field) => [field.id, field]))
  const wanted = new Map(fields.map((field) => [field.id, field]))
  const changes = queryColumns(columns).flatMap(({ column, queryName }) =>
    changesOf(column, queryName, known.get(column.fieldId), wanted.get(column.fieldId)),
  )
  const fresh = fields.filter((field) => !known.has(field.id)).toSorted((a, b) => a.id - b.id)
  const required = fresh.find((field) => field.required)
  if (required !== undefined) throw unsupported(`the column "${required.name}" would be required`)
  if (changes.length > 0) {
    const added = ownColumns({ fields: fresh }).map((column) => ({ kind: 'add_column', ...column }) as const)
    return { added: [], changes: [...changes, ...added] }
  }
  const { columns: added } = assignFieldIds(ownColumns({ fields: fresh }), nextFieldId)
  if (!isDeepStrictEqual(icebergSchema(added, 0).fields.map(shapeOf), fresh.map(shapeOf))) {
    throw unsupported('the new columns would have other field ids than those that follow')
  }
  return { added, changes: [] }
}

/** What makes one column the field that it is to be; nothing where it is that already. */
function changesOf(
  column: Column,
  queryName: string,
  before: IcebergField | undefined,
  field: IcebergField | undefined,
): ColumnChange[] {
  const isSame = before !== undefined && field !== undefined && isDeepStrictEqual(shapeOf(before), shapeOf(field))
  if (isSame && field.name === column.name) return []
  if (isFixedColumn(column)) throw unsupported(`every table has the column "${column.name}" as it is`)
  if (field === undefined) return [{ kind: 'drop_column', name: queryName }]
  const retyped = { kind: 'change_type', name: queryName, type: logicalType(field.name, field.type) } as const
  const renamed = { kind: 'rename_column', name: queryName, to: field.name } as const
  return [...(isSame ? [] : [retyped]), ...(field.name === column.name ? [] : [renamed])]
}

/** A field with all ids in it, and nothing that another engine may say in another way. */
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
  return new AppError('invalid_request', `The columns cannot be changed like this: ${reason}.`, {
    hint: 'Load the table again, and change its columns from what they are now.',
  })
}
