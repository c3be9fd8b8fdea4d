import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { assignFieldIds, withFixedColumns } from '../columns.ts'
import { anyType } from '../testing/any-type.ts'
import type { LogicalType } from '../types.ts'
import { parseType } from '../types.ts'
import { icebergSchema, logicalType, ownColumns } from './schema.ts'
import type { IcebergType } from './schema.ts'

function idsIn(type: IcebergType): number[] {
  if (typeof type === 'string') return []
  if (type.type === 'list') return [type['element-id'], ...idsIn(type.element)]
  if (type.type === 'map') return [type['key-id'], ...idsIn(type.key), type['value-id'], ...idsIn(type.value)]
  return type.fields.flatMap((field) => [field.id, ...idsIn(field.type)])
}

/** JSON is text to other engines, and comes back from them as text. */
function withoutJson(type: LogicalType): LogicalType {
  return parseType(textOf(type))
}

function textOf(type: LogicalType): string {
  switch (type.kind) {
    case 'json':
      return 'varchar'
    case 'array':
      return `array(${textOf(type.element)})`
    case 'map':
      return `map(${textOf(type.key)},${textOf(type.value)})`
    case 'row':
      return `row(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${textOf(field.type)}`).join(',')})`
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    default:
      return type.kind
  }
}

describe('the schema for other engines', () => {
  test('of a table with columns of every sort', () => {
    const { columns } = assignFieldIds(
      [
        { name: 'price', type: parseType('decimal(10,2)') },
        { name: 'data', type: parseType('json') },
        { name: 'tags', type: parseType('map(varchar,array(bigint))') },
        { name: 'place', type: parseType('row(x double,y double)') },
      ],
      6,
    )
    const map = { type: 'map', 'key-id': 4, key: 'string', 'value-id': 5, value: 'string', 'value-required': false }
    const list = { type: 'list', 'element-id': 11, element: 'long', 'element-required': false }
    const tags = { type: 'map', 'key-id': 9, key: 'string', 'value-id': 10, value: list, 'value-required': false }
    expect(icebergSchema(withFixedColumns(columns), 3)).toEqual({
      type: 'struct',
      'schema-id': 3,
      fields: [
        { id: 1, name: 'time', required: true, type: 'long' },
        { id: 6, name: 'price', required: false, type: 'decimal(10, 2)' },
        { id: 7, name: 'data', required: false, type: 'string' },
        { id: 8, name: 'tags', required: false, type: tags },
        {
          id: 12,
          name: 'place',
          required: false,
          type: {
            type: 'struct',
            fields: [
              { id: 13, name: 'x', required: false, type: 'double' },
              { id: 14, name: 'y', required: false, type: 'double' },
            ],
          },
        },
        { id: 2, name: 'time_us', required: false, type: 'long' },
        { id: 3, name: '_rescued', required: false, type: map },
      ],
    })
  })

  test('gives no id twice, and all of those that the columns took', () => {
    fc.assert(
      fc.property(fc.array(anyType, { maxLength: 5 }), (types) => {
        const named = types.map((type, index) => ({ name: `c${index}`, type }))
        const { columns, nextFieldId } = assignFieldIds(named, 6)
        const ids = icebergSchema(columns, 1).fields.flatMap((field) => [field.id, ...idsIn(field.type)])
        expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: nextFieldId - 6 }, (_, at) => at + 6))
      }),
    )
  })

  test('says every type so that it comes back', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        const [field] = icebergSchema([{ fieldId: 6, name: 'a', type }], 1).fields
        expect(logicalType('a', field?.type)).toEqual(withoutJson(type))
      }),
    )
  })
})

describe('a schema from another engine', () => {
  test('may name the fixed columns, and makes the others', () => {
    const schema = {
      fields: [
        { id: 1, name: 'time', required: true, type: 'long' },
        { id: 2, name: 'n', required: false, type: 'int' },
        { id: 3, name: 'f', required: false, type: 'float' },
      ],
    }
    expect(ownColumns(schema)).toEqual([
      { name: 'n', type: { kind: 'bigint' } },
      { name: 'f', type: { kind: 'double' } },
    ])
  })

  test.each([
    'timestamptz',
    'uuid',
    'time',
    'fixed[4]',
    'decimal(39, 1)',
    'decimal(3, 4)',
    { type: 'struct', fields: [] },
    7,
  ])('with the type %s is refused', (type) => {
    expect(() => logicalType('a', type)).toThrow('The column "a" cannot be of Iceberg')
  })

  test('with another type of a fixed column is refused', () => {
    const field = { id: 1, name: 'time', required: true, type: 'timestamp' }
    expect(() => ownColumns({ fields: [field] })).toThrow('The column "time" of every table is a bigint')
  })
})
