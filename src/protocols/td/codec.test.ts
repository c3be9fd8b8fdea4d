import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isAppError } from '../../base/errors.ts'
import { anyType } from '../../store/testing/any-type.ts'
import { withFixedColumns } from '../../store/columns.ts'
import type { LogicalType } from '../../store/types.ts'
import { dateText, readSchema, requireTdName, schemaText, spacedJson, tdType, typeOfTd } from './codec.ts'

const scalar = fc.constantFrom<LogicalType>(
  { kind: 'boolean' },
  { kind: 'bigint' },
  { kind: 'double' },
  { kind: 'varchar' },
)
const { type: typeOfBoth } = fc.letrec<{ type: LogicalType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    scalar,
    tie('type').map((element): LogicalType => ({ kind: 'array', element })),
    fc.tuple(tie('type'), tie('type')).map(([key, value]): LogicalType => ({ kind: 'map', key, value })),
  ),
}))

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    if (isAppError(error)) return error.code
    throw error
  }
}

describe('a type', () => {
  it('that both know is read as it was written', () => {
    fc.assert(
      fc.property(typeOfBoth, (type) => {
        expect(typeOfTd(tdType(type))).toEqual(type)
      }),
    )
  })

  it('of ours has a word that is read, and is the same word again', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(tdType(typeOfTd(tdType(type)))).toBe(tdType(type))
      }),
    )
  })

  it('that is narrower there is kept in the wider', () => {
    expect(['int', 'LONG', 'float', ' array< string > '].map((text) => tdType(typeOfTd(text)))).toEqual([
      'long',
      'long',
      'double',
      'array<string>',
    ])
  })

  it('is refused where it is none, whatever it is', () => {
    for (const text of [
      '',
      'text',
      'array',
      'array<>',
      'array<int',
      'array<int>>',
      'map<int>',
      'map<int,int,int>',
      'toString',
    ])
      expect(codeOf(() => typeOfTd(text))).toBe('invalid_request')
    expect(codeOf(() => typeOfTd('array<'.repeat(100_000)))).toBe('invalid_request')
    const pieces = fc.array(fc.constantFrom('array', 'map', '<', '>', ',', 'int', ' ', 'x'), { maxLength: 12 })
    fc.assert(
      fc.property(pieces, (text) => {
        expect(['none', 'invalid_request']).toContain(codeOf(() => typeOfTd(text.join(''))))
      }),
    )
  })
})

describe('a schema', () => {
  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !['time', 'v', 'time_us', '_rescued'].includes(text))
  const columns = fc.uniqueArray(fc.record({ name, type: typeOfBoth }), { selector: (column) => column.name })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(columns, (wanted) => {
        const own = wanted.map((column, index) => ({ ...column, fieldId: 6 + index * 100 }))
        expect(readSchema(schemaText(withFixedColumns(own)))).toEqual(wanted)
      }),
    )
  })

  it('has a space behind each comma, and an alias where queries know the column by another name', () => {
    const own = [
      { fieldId: 6, name: 'cnt', type: typeOfTd('long') },
      { fieldId: 7, name: 'Cnt', type: typeOfTd('array<int>') },
    ]
    expect(schemaText(withFixedColumns(own))).toBe('[["cnt", "long"], ["Cnt", "array<long>", "Cnt_1"]]')
    expect(schemaText(withFixedColumns([]))).toBe('[]')
    expect(spacedJson([['a,b', ['c', 1]], null])).toBe('[["a,b", ["c", 1]], null]')
  })

  it('may be JSON or text, with aliases', () => {
    const wanted = [{ name: 'a', type: { kind: 'bigint' } }]
    for (const value of ['[["a","long","b"]]', [['a', 'long']], [['a', 'int', 'x']]])
      expect(readSchema(value)).toEqual(wanted)
    expect(
      readSchema(
        [
          ['a', 'long'],
          ['a', 'string'],
        ],
        { ignoreDuplicates: true },
      ),
    ).toEqual(wanted)
  })

  it('is refused where it is none', () => {
    for (const value of [undefined, null, 1, '', '{}', 'x', {}, ['a'], [['a']], [['a', 1]], [['a', 'long', 'b', 'c']]])
      expect(codeOf(() => readSchema(value))).toBe('invalid_request')
    for (const value of [
      [['time', 'long']],
      [['v', 'string']],
      [
        ['a', 'int'],
        ['a', 'int'],
      ],
    ])
      expect(codeOf(() => readSchema(value))).toBe('invalid_name')
  })
})

describe('names and dates', () => {
  it('are those of Treasure Data', () => {
    for (const name of ['abc', '0_9', 'a'.repeat(255)]) expect(requireTdName('table', name)).toBe(name)
    for (const name of ['', 'ab', 'Abc', 'a-b', 'a'.repeat(256), 'aaa\n'])
      expect(codeOf(() => requireTdName('table', name))).toBe('invalid_name')
    expect(dateText(new Date('2020-12-31T11:22:33.999Z'))).toBe('2020-12-31 11:22:33 UTC')
  })
})
