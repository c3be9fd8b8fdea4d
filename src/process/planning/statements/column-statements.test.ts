import { describe, expect, test } from 'vitest'

import { parseScript } from '../parse-script.ts'

const parseStatement = (sql: string) => parseScript(sql)[0]

const table = { database: null, name: 't', offset: 12 }

describe('ALTER TABLE about columns', () => {
  test.each([
    ['add column c bigint', { kind: 'add_column', name: 'c', type: { kind: 'bigint' }, ifNotExists: false }],
    ['ADD c INTEGER', { kind: 'add_column', name: 'c', type: { kind: 'bigint' }, ifNotExists: false }],
    [
      'add column if not exists "C d" map( varchar, decimal(10, 2) )',
      {
        kind: 'add_column',
        name: 'C d',
        type: { kind: 'map', key: { kind: 'varchar' }, value: { kind: 'decimal', precision: 10, scale: 2 } },
        ifNotExists: true,
      },
    ],
    ['drop column c', { kind: 'drop_column', name: 'c', ifExists: false }],
    ['drop column if exists "c;"', { kind: 'drop_column', name: 'c;', ifExists: true }],
    ['rename column a to "B"', { kind: 'rename_column', name: 'a', to: 'B' }],
    ['alter column c set data type text', { kind: 'change_type', name: 'c', type: { kind: 'varchar' } }],
    ['alter c type double;', { kind: 'change_type', name: 'c', type: { kind: 'double' } }],
    [
      'alter column c type row("a)" bigint)',
      { kind: 'change_type', name: 'c', type: { kind: 'row', fields: [{ name: 'a)', type: { kind: 'bigint' } }] } },
    ],
  ])('%s', (sql, change) => {
    expect(parseStatement(`alter table t ${sql}`)).toEqual({ kind: 'alter_columns', table, change })
  })

  test.each([
    ['add column', 'query_syntax'],
    ['add column c', 'query_syntax'],
    ['add column c bigint not null', 'query_syntax'],
    ['add column c nothing', 'query_syntax'],
    ['add column c map(varchar', 'query_syntax'],
    ['add column c decimal(40,2)', 'query_syntax'],
    ['drop c', 'statement_not_allowed'],
    ['rename column a b', 'query_syntax'],
    ['alter column c bigint', 'query_syntax'],
    ['alter column c set type bigint', 'query_syntax'],
  ])('%s fails with %s', (sql, code) => {
    expect(() => parseStatement(`alter table t ${sql}`)).toThrow(expect.objectContaining({ code }))
  })
})

describe('CREATE TABLE with columns', () => {
  test.each([
    [
      'create table t (a int, "B c" decimal(10,2), d json)',
      {
        ifNotExists: false,
        columns: [
          { name: 'a', type: { kind: 'bigint' } },
          { name: 'B c', type: { kind: 'decimal', precision: 10, scale: 2 } },
          { name: 'd', type: { kind: 'json' } },
        ],
      },
    ],
    [
      'create table if not exists t (a varchar)',
      { ifNotExists: true, columns: [{ name: 'a', type: { kind: 'varchar' } }] },
    ],
  ])('%s', (sql, statement) => {
    expect(parseStatement(sql)).toMatchObject({ kind: 'create_table', table: { name: 't' }, ...statement })
  })

  test.each([
    ['create table t ()', 'query_syntax'],
    ['create table t (a)', 'query_syntax'],
    ['create table t (a int b int)', 'query_syntax'],
    ['create table t (a int) as select 1', 'query_syntax'],
    ['create table t', 'statement_not_allowed'],
  ])('%s fails with %s', (sql, code) => {
    expect(() => parseStatement(sql)).toThrow(expect.objectContaining({ code }))
  })
})
