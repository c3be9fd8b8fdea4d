import { AppError } from '../../base/errors.ts'
import { innerFieldIds, rescuedColumn, timeColumn } from '../columns.ts'
import type { Column } from '../store.ts'
import type { LogicalType } from '../types.ts'

// Schemas as Iceberg's specification writes them in JSON (Appendix C, “Schemas”), of format version 2.

export interface IcebergSchema {
  readonly type: 'struct'
  readonly 'schema-id': number
  readonly fields: readonly IcebergField[]
}

export interface IcebergField {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: IcebergType
  readonly doc?: string
}

export type IcebergType = string | IcebergStruct | IcebergList | IcebergMap

export interface IcebergStruct {
  readonly type: 'struct'
  readonly fields: readonly IcebergField[]
}

export interface IcebergList {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: IcebergType
  readonly 'element-required': boolean
}

export interface IcebergMap {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: IcebergType
  readonly 'value-id': number
  readonly value: IcebergType
  readonly 'value-required': boolean
}

/** The columns as other engines see them. The ids inside of a nested column follow its own, as in the files. */
export function icebergSchema(columns: readonly Column[], schemaId: number): IcebergSchema {
  return {
    type: 'struct',
    'schema-id': schemaId,
    fields: columns.map((column) => ({
      id: column.fieldId,
      name: column.name,
      required: column.fieldId === timeColumn.fieldId,
      type: icebergType(column),
    })),
  }
}

function icebergType(column: Column): IcebergType {
  const { type } = column
  const ids = innerFieldIds(column)
  const inner = (name: string, of: LogicalType) => {
    const fieldId = ids.get(name) ?? 0
    return { id: fieldId, type: icebergType({ fieldId, name, type: of }) }
  }
  switch (type.kind) {
    case 'array': {
      const element = inner('element', type.element)
      return { type: 'list', 'element-id': element.id, element: element.type, 'element-required': false }
    }
    case 'map': {
      const [key, value] = [inner('key', type.key), inner('value', type.value)]
      const entry = { 'key-id': key.id, key: key.type, 'value-id': value.id, value: value.type }
      return { type: 'map', ...entry, 'value-required': false }
    }
    case 'row': {
      const fields = type.fields.map((field) => ({
        name: field.name,
        required: false,
        ...inner(field.name, field.type),
      }))
      return { type: 'struct', fields }
    }
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    default:
      return scalarTypes[type.kind]
  }
}

/** JSON is text there: Iceberg has no such type before format version 3. */
const scalarTypes = {
  boolean: 'boolean',
  bigint: 'long',
  double: 'double',
  varchar: 'string',
  json: 'string',
  varbinary: 'binary',
  date: 'date',
  timestamp: 'timestamp',
} as const satisfies Record<Exclude<LogicalType['kind'], 'decimal' | 'array' | 'map' | 'row'>, string>

/** The types of ours that hold every value of theirs. */
const logicalScalars: Readonly<Record<string, LogicalType>> = {
  boolean: { kind: 'boolean' },
  int: { kind: 'bigint' },
  long: { kind: 'bigint' },
  float: { kind: 'double' },
  double: { kind: 'double' },
  string: { kind: 'varchar' },
  binary: { kind: 'varbinary' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
}

const nestingMax = 32

/** The type of a column that another engine asks for, by the column's name in the message. Fails with `invalid_request`. */
export function logicalType(name: string, type: unknown, depth = 0): LogicalType {
  if (depth > nestingMax) throw unknownType(name, 'a type that nests too deeply')
  if (typeof type === 'string') return logicalScalar(name, type)
  const of = (inner: unknown): LogicalType => logicalType(name, inner, depth + 1)
  if (isKind(type, 'list')) return { kind: 'array', element: of(type['element']) }
  if (isKind(type, 'map')) return { kind: 'map', key: of(type['key']), value: of(type['value']) }
  if (isKind(type, 'struct') && Array.isArray(type['fields']) && type['fields'].length > 0) {
    const fields = type['fields'] as readonly { name: unknown; type: unknown }[]
    return { kind: 'row', fields: fields.map((field) => ({ name: String(field.name), type: of(field.type) })) }
  }
  throw unknownType(name, JSON.stringify(type))
}

function logicalScalar(name: string, type: string): LogicalType {
  const found = logicalScalars[type]
  if (found !== undefined) return found
  const [, precision, scale] = /^decimal\((\d{1,2}),\s*(\d{1,2})\)$/.exec(type) ?? []
  const decimal = { kind: 'decimal', precision: Number(precision), scale: Number(scale) } as const
  const isDecimal = decimal.precision >= 1 && decimal.precision <= 38 && decimal.scale <= decimal.precision
  if (isDecimal) return decimal
  throw unknownType(name, type)
}

function isKind(type: unknown, kind: string): type is Record<string, unknown> {
  return typeof type === 'object' && type !== null && 'type' in type && type.type === kind
}

function unknownType(name: string, type: string): AppError {
  return new AppError('invalid_request', `The column ${JSON.stringify(name)} cannot be of Iceberg's type ${type}.`, {
    hint: 'Columns are of boolean, int, long, float, double, decimal, string, binary, date, timestamp, list, map or struct.',
  })
}

/**
 * The columns of a table that another engine makes: those of its schema but for the fixed ones, which every table has anyway.
 * Fails with `invalid_request` where a fixed one is of another type, or the engine demands values that nobody checks.
 */
export function ownColumns(schema: {
  readonly fields: readonly IcebergField[]
}): { name: string; type: LogicalType }[] {
  const own: { name: string; type: LogicalType }[] = []
  for (const field of schema.fields) {
    const type = logicalType(field.name, field.type)
    const fixed = fixedTypes[field.name]
    if (fixed !== undefined && fixed !== type.kind) {
      throw new AppError('invalid_request', `The column "${field.name}" of every table is a ${fixed}.`, {
        hint: 'Give it that type, or the column another name.',
      })
    }
    if (fixed === undefined) own.push({ name: field.name, type })
  }
  return own
}

const fixedTypes: Readonly<Record<string, LogicalType['kind']>> = {
  [timeColumn.name]: 'bigint',
  time_us: 'bigint',
  [rescuedColumn.name]: 'map',
}
