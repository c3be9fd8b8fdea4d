import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import { duckdbFileType, duckdbType, formatType, parquetFacts, parseType } from './types.ts'
import { anyType } from './testing/any-type.ts'

describe('the notation of types', () => {
  test.each([
    'bigint',
    'decimal(10,2)',
    'array(bigint)',
    'map(varchar,bigint)',
    'row(a bigint,"b c" varchar)',
    'array(map(varchar,row("q""uote" json,"Upper" date)))',
  ])('%s stays as it is', (notation) => {
    expect(formatType(parseType(notation))).toBe(notation)
  })

  test.each([
    [' BIGINT ', 'bigint'],
    ['Decimal( 10 , 2 )', 'decimal(10,2)'],
    ['decimal(5)', 'decimal(5,0)'],
    ['row( a\tbigint , "b" varchar )', 'row(a bigint,b varchar)'],
    ['string', 'varchar'],
    ['array(long)', 'array(bigint)'],
  ])('%s is understood as %s', (written, notation) => {
    expect(formatType(parseType(written))).toBe(notation)
  })

  test.each([
    ['', 'lacks a type'],
    ['nothing', 'unknown type "nothing"'],
    ['constructor', 'unknown type "constructor"'],
    ['array', 'lacks a "("'],
    ['array(bigint', 'lacks a ")"'],
    ['map(varchar)', 'lacks a ","'],
    ['bigint bigint', 'goes on where it should end'],
    ['decimal(39,2)', 'precision'],
    ['decimal(3,4)', 'scale'],
    ['row(bigint)', 'lacks a type'],
    ['row(a bigint,A bigint)', 'twice'],
    ['row("" bigint)', 'lacks the name'],
  ])('%s is refused', (written, problem) => {
    expect(() => parseType(written)).toThrow(problem)
    expect(() => parseType(written)).toThrow(AppError)
  })

  test('a type that nests without end is refused', () => {
    const arrays = (levels: number) => `${'array('.repeat(levels)}bigint${')'.repeat(levels)}`
    expect(formatType(parseType(arrays(16)))).toBe(arrays(16))
    expect(() => parseType(arrays(17))).toThrow('has more than 16 arrays and maps inside of each other')
    const rows = `${'row(a '.repeat(63)}bigint${')'.repeat(63)}`
    expect(formatType(parseType(rows))).toBe(rows)
    expect(() => parseType(`row(a ${rows})`)).toThrow('nests deeper than 64 levels')
    expect(() => parseType('array('.repeat(100_000))).toThrow('nests deeper than 64 levels')
  })

  test('reads back every type', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(parseType(formatType(type))).toEqual(type)
      }),
    )
  })

  test('refuses with an AppError or reads, whatever is written', () => {
    const pieces = fc.constantFrom('array', 'map', 'row', 'decimal', '(', ')', ',', '"a"', '"', '1', ' ', 'bigint')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (words) => {
        try {
          expect(parseType(formatType(parseType(words.join(''))))).toEqual(parseType(words.join('')))
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
    )
  })
})

test('types have a form in DuckDB', () => {
  const type = parseType('row(a array(decimal(10,2)),"b""c" map(varchar,json))')
  expect(duckdbType(type)).toBe('STRUCT("a" DECIMAL(10,2)[], "b""c" MAP(VARCHAR, JSON))')
  expect(duckdbFileType(type)).toBe('STRUCT("a" DECIMAL(10,2)[], "b""c" MAP(VARCHAR, VARCHAR))')
})

test('scalars have one form in Parquet', () => {
  expect(parquetFacts({ kind: 'decimal', precision: 9, scale: 2 }).physical).toBe('INT32')
  expect(parquetFacts({ kind: 'decimal', precision: 18, scale: 2 }).physical).toBe('INT64')
  expect(parquetFacts({ kind: 'decimal', precision: 19, scale: 2 }).physical).toBe('FIXED_LEN_BYTE_ARRAY')
  expect(parquetFacts({ kind: 'json' })).toEqual(parquetFacts({ kind: 'varchar' }))
  expect(parquetFacts({ kind: 'timestamp' })).toEqual({ physical: 'INT64', annotation: 'timestamp_micros' })
})
