import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { decimalText, doubleText, timestampText } from '../../base/parquet/value-text.ts'
import { parseType } from '../types.ts'
import { columnMetrics, lowerBound, upperBound } from './bounds.ts'

const lower = (type: string, text: string) => lowerBound(parseType(type), text)
const upper = (type: string, text: string) => upperBound(parseType(type), text)

describe('bounds', () => {
  test.each([
    ['boolean', 'true', '01'],
    ['boolean', 'false', '00'],
    ['bigint', '-2', 'feffffffffffffff'],
    ['double', '1.5', '000000000000f83f'],
    ['double', 'inf', '000000000000f07f'],
    ['decimal(10,2)', '14.20', '058c'],
    ['decimal(10,2)', '-0.01', 'ff'],
    ['decimal(3,0)', '128', '0080'],
    ['date', '1970-01-02', '01000000'],
    ['date', '1969-12-31', 'ffffffff'],
    ['timestamp', '1970-01-01 00:00:01.5', '60e3160000000000'],
    ['varchar', 'abc', '616263'],
    ['json', '{"a":1}', '7b2261223a317d'],
  ])('of %s %s are as the specification has them', (type, text, hex) => {
    expect(lower(type, text)?.toString('hex')).toBe(hex)
    expect(upper(type, text)?.toString('hex')).toBe(hex)
  })

  test.each([
    ['bigint', '9223372036854775808'],
    ['bigint', 'many'],
    ['double', 'nan'],
    ['decimal(10,2)', '14.2'],
    ['date', '0044-03-15 (BC)'],
    ['date', '12024-01-01'],
    ['date', 'infinity'],
    ['timestamp', '290000-01-01 00:00:00'],
    ['varbinary', String.raw`\xAA`],
    ['array(bigint)', '[1]'],
  ])('of %s %s are left out, because they are not sure', (type, text) => {
    expect(lower(type, text)).toBeUndefined()
    expect(upper(type, text)).toBeUndefined()
  })

  test('of zero take in both zeros', () => {
    expect(lower('double', '0.0')?.readDoubleLE()).toBe(-0)
    expect(upper('double', '-0.0')?.readDoubleLE()).toBe(0)
  })

  test('of texts hold for the whole text, however long', () => {
    const characters = fc.string({ unit: 'binary', minLength: 0, maxLength: 60 })
    fc.assert(
      fc.property(characters, (value) => {
        const bytes = Buffer.from(value)
        expect(Buffer.compare(lower('varchar', value) ?? Buffer.of(), bytes)).toBeLessThanOrEqual(0)
        const above = upper('varchar', value)
        if (above !== undefined) expect(Buffer.compare(above, bytes)).toBeGreaterThanOrEqual(0)
        expect(above === undefined || above.toString('utf8') === Buffer.from(above).toString()).toBe(true)
      }),
    )
  })

  test('of texts are not raised into surrogates, nor beyond all characters', () => {
    const prefix = 'a'.repeat(31)
    expect(upper('varchar', `${prefix}\ud7ffz`)?.toString()).toBe(`${prefix}\ue000`)
    expect(upper('varchar', `${prefix}\u{10ffff}z`)?.toString()).toBe(`${'a'.repeat(30)}b`)
    expect(upper('varchar', '\u{10ffff}'.repeat(40))).toBeUndefined()
  })

  test('of numbers are the numbers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(lower('bigint', String(value))?.readBigInt64LE()).toBe(value)
      }),
    )
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const found = upper('double', doubleText(value))?.readDoubleLE()
        expect(found === value || (found === 0 && value === 0)).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (unscaled) => {
        const bytes = lower('decimal(38,5)', decimalText(unscaled, 5)) ?? Buffer.of()
        expect(BigInt.asIntN(bytes.byteLength * 8, BigInt(`0x${bytes.toString('hex')}`))).toBe(unscaled)
      }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), (micros) => {
        expect(lower('timestamp', timestampText(micros))?.readBigInt64LE()).toBe(micros)
      }),
    )
  })
})

test('the metrics of a file know its time, count only rows of scalars, and stop at a hundred columns', () => {
  const columns = [
    { fieldId: 1, name: 'time', type: parseType('bigint') },
    { fieldId: 6, name: 'tags', type: parseType('array(varchar)') },
    ...Array.from({ length: 120 }, (_, index) => ({
      fieldId: 8 + index,
      name: `c${index}`,
      type: parseType('bigint'),
    })),
  ]
  const statistics = Object.fromEntries(
    columns.map(({ fieldId }) => [fieldId, { bytes: 10, nulls: 1, min: '3', max: '4' }]),
  )
  const metrics = columnMetrics(columns, { rows: 5, timeRange: { from: 100, to: 201 }, statistics })
  expect(metrics.lowerBounds.get(1)?.readBigInt64LE()).toBe(100n)
  expect(metrics.upperBounds.get(1)?.readBigInt64LE()).toBe(200n)
  expect(metrics.sizes.has(6)).toBe(true)
  expect(metrics.valueCounts.has(6)).toBe(false)
  expect(metrics.nullCounts.get(8)).toBe(1)
  expect(metrics.sizes.size).toBe(100)
})
