import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { DuckDBInstance } from '@duckdb/node-api'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  assignFieldIds,
  fieldIdCount,
  fieldIdsClause,
  firstFieldId,
  innerFieldIds,
  queryColumns,
  rescuedColumn,
  schemaClause,
  timeColumn,
  withFixedColumns,
} from './columns.ts'
import { duckdbFileType, duckdbType, parseType, quotedName } from './types.ts'
import { anyType } from './testing/any-type.ts'
import type { LogicalType } from './types.ts'

describe('field ids', () => {
  test('the fixed columns take 1 to 5', () => {
    expect(fieldIdsClause([timeColumn, rescuedColumn])).toBe(
      '{"time": 1, "_rescued": {__duckdb_field_id: 3, "key": 4, "value": 5}}',
    )
    expect(rescuedColumn.fieldId + fieldIdCount(rescuedColumn.type)).toBe(firstFieldId)
    expect(innerFieldIds(rescuedColumn)).toEqual(
      new Map([
        ['key', 4],
        ['value', 5],
      ]),
    )
  })

  test('what is inside of a column follows it, depth first', () => {
    const columns = [
      { name: 'a', type: parseType('row(x array(bigint), y map(varchar, json))') },
      { name: 'b', type: parseType('bigint') },
    ]
    const assigned = assignFieldIds(columns, 6)
    expect(assigned.columns.map((column) => column.fieldId)).toEqual([6, 12])
    expect(assigned.nextFieldId).toBe(13)
    expect(fieldIdsClause(assigned.columns)).toBe(
      '{"a": {__duckdb_field_id: 6, "x": {__duckdb_field_id: 7, "element": 8}, ' +
        '"y": {__duckdb_field_id: 9, "key": 10, "value": 11}}, "b": 12}',
    )
  })

  test('no two columns ever share an id, however the columns arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyType, { maxLength: 4 }), { maxLength: 5 }), (commits) => {
        const ids: number[] = []
        let next = firstFieldId
        for (const types of commits) {
          const assigned = assignFieldIds(
            types.map((type, index) => ({ name: `c${index}`, type })),
            next,
          )
          for (const column of assigned.columns) {
            ids.push(...Array.from({ length: fieldIdCount(column.type) }, (_, index) => column.fieldId + index))
          }
          next = assigned.nextFieldId
        }
        expect(ids).toEqual(ids.map((_, index) => firstFieldId + index))
      }),
    )
  })
})

describe('names in SQL', () => {
  const named = (names: string[]) =>
    queryColumns(withFixedColumns(names.map((name, index) => ({ fieldId: 6 + index, name, type: { kind: 'bigint' } }))))
      .filter(({ column }) => column.fieldId >= 6)
      .map(({ queryName }) => queryName)

  test('are the columns’ own where they differ', () => {
    expect(named(['a', 'B', 'c d'])).toEqual(['a', 'B', 'c d'])
  })

  test('get a number where they differ by case alone', () => {
    expect(named(['Code', 'code', 'CODE', 'Time'])).toEqual(['Code', 'code_1', 'CODE_2', 'Time_1'])
  })

  test('stay what they were when columns are added', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[aA](_[12]){0,2}$/)), (names) => {
        const all = named(names)
        expect(new Set(all.map((name) => name.toLowerCase())).size).toBe(names.length)
        names.forEach((_, index) => expect(named(names.slice(0, index))).toEqual(all.slice(0, index)))
      }),
    )
  })
})

test('DuckDB writes and reads every type by field id, under any name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'biwa-columns-'))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const samples: [LogicalType, string][] = [
    [parseType('boolean'), 'true'],
    [parseType('bigint'), '9223372036854775807'],
    [parseType('double'), '1.5'],
    [parseType('decimal(38,10)'), '1234567890123456789012345678.0123456789'],
    [parseType('varchar'), `'it''s'`],
    [parseType('varbinary'), `'\\x00\\xFF'::BLOB`],
    [parseType('date'), `DATE '2026-11-30'`],
    [parseType('timestamp'), `TIMESTAMP '2026-11-30 01:02:03.000004'`],
    [parseType('json'), `'{"a": 1}'`],
    [parseType('array(json)'), `['1', '2']`],
    [parseType('map(varchar, array(bigint))'), `map {'k': [1, 2]}`],
    [parseType('row(a bigint, "b c" row("element" varchar))'), `{'a': 1, 'b c': {'element': 'x'}}`],
  ]
  const own = assignFieldIds(
    samples.map(([type], index) => ({ name: `c"'${index}`, type })),
    firstFieldId,
  ).columns
  const columns = [timeColumn, ...own]
  const selected = samples.map(
    ([type, literal], index) => `(${literal})::${duckdbFileType(type)} AS ${quotedName(`c"'${index}`)}`,
  )
  const file = join(directory, 'x.parquet')
  await connection.run(
    `COPY (SELECT 7::BIGINT AS time, ${selected.join(', ')}) TO '${file}' (FORMAT parquet, FIELD_IDS ${fieldIdsClause(columns)})`,
  )
  const added = { fieldId: 900, name: 'Added', type: parseType('map(varchar,varchar)') }
  const renamed = [...columns, added].map((column) => ({ column, queryName: `new ${column.name}` }))
  const reader = await connection.runAndReadAll(
    `SELECT * FROM read_parquet('${file}', schema = ${schemaClause(renamed)})`,
  )
  expect(reader.columnNames()).toEqual(renamed.map(({ queryName }) => queryName))
  const described = await connection.runAndReadAll(
    `DESCRIBE SELECT * FROM read_parquet('${file}', schema = ${schemaClause(renamed)})`,
  )
  const wanted = await connection.runAndReadAll(
    `DESCRIBE SELECT ${renamed.map(({ column }, index) => `NULL::${duckdbType(column.type)} AS c${index}`).join(', ')}`,
  )
  expect(described.getColumnsJson()[1]).toEqual(wanted.getColumnsJson()[1])
  const same = await connection.runAndReadAll(
    `SELECT ${samples
      .map(([type, literal], index) => `${quotedName(`new c"'${index}`)} = (${literal})::${duckdbType(type)}`)
      .join(', ')} FROM read_parquet('${file}', schema = ${schemaClause(renamed)})`,
  )
  expect(same.getRowsJson()[0]).toEqual(samples.map(() => true))
  connection.closeSync()
  await rm(directory, { recursive: true })
})
