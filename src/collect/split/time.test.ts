import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { split, valuesOf } from './testing/split-text.ts'

/** Microseconds since the epoch of a time as JSON text; null where it is none. */
function microsOf(text: string): bigint | null {
  const result = split('ndjson', `{"time":${text}}`)
  if (result.rows === 0) return null
  const [seconds] = valuesOf(result, 'time') as bigint[]
  const [micros] = valuesOf(result, 'time_us') as (bigint | null)[]
  if (micros !== null && micros !== undefined)
    expect(micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n)).toBe(seconds)
  return micros ?? (seconds ?? 0n) * 1_000_000n
}

const second = 1_000_000n

describe('numbers', () => {
  it.each([
    ['0', 0n],
    ['1700000000', 1_700_000_000n * second],
    ['99999999999', 99_999_999_999n * second],
    ['100000000000', 100_000_000n * second],
    ['1700000000123', 1_700_000_000_123_000n],
    ['99999999999999', 99_999_999_999_999_000n],
    ['100000000000000', 100_000_000_000_000n],
    ['1700000000123456', 1_700_000_000_123_456n],
    ['99999999999999999', 99_999_999_999_999_999n],
    ['100000000000000000', 100_000_000_000_000n],
    ['1700000000123456789', 1_700_000_000_123_456n],
    ['9223372036854775807', 9_223_372_036_854_775n],
    ['9223372036854775808', null],
    ['-1', -second],
    ['-1700000000123', -1_700_000_000_123_000n],
    ['-1700000000123456789', -1_700_000_000_123_457n],
  ])('%s is in the unit of its magnitude', (text, micros) => {
    expect(microsOf(text)).toBe(micros)
    expect(microsOf(`"${text}"`)).toBe(micros)
  })

  it.each([
    ['1700000000.123456', 1_700_000_000_123_456n],
    ['1700000000.1234569', 1_700_000_000_123_456n],
    ['1700000000.000001', 1_700_000_000_000_001n],
    ['1.7e9', 1_700_000_000n * second],
    ['1700000000123.5', 1_700_000_000_123_500n],
    ['-0.5', -500_000n],
    ['-0.0000001', -1n],
    ['0.0000001', 0n],
    ['-0.0', 0n],
    ['0.00000000000000000001', 0n],
    ['-0.00000000000000000001', -1n],
    ['1e99', null],
    ['1e-99', 0n],
  ])('%s keeps its fraction to the microsecond, rounded down', (text, micros) => {
    expect(microsOf(text)).toBe(micros)
    expect(microsOf(`"${text}"`)).toBe(micros)
  })

  it('of any microsecond come back from their text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -99_999_999_999n * second, max: 99_999_999_999n * second }), (micros) => {
        const size = micros < 0n ? -micros : micros
        const text = `${micros < 0n ? '-' : ''}${size / second}.${String(size % second).padStart(6, '0')}`
        expect(microsOf(text)).toBe(micros)
      }),
    )
  })
})

describe('text', () => {
  const noon = 1_709_208_000n * second

  it.each([
    ['2024-02-29', noon - 43_200n * second],
    ['2024/02/29', noon - 43_200n * second],
    ['2024-02-29T12:00:00Z', noon],
    ['2024-02-29t12:00:00z', noon],
    ['2024-02-29 12:00:00', noon],
    ['2024-02-29 12:00', noon],
    ['2024/02/29 12:00', noon],
    ['2024-02-29 12:00:00 UTC', noon],
    ['2024-02-29 12:00:00 +0000', noon],
    ['2024-02-29T14:30:00+02:30', noon],
    ['2024-02-29T14:30:00+0230', noon],
    ['2024-02-29T10:00:00-02', noon],
    ['2024-02-29T12:00:00.5Z', noon + 500_000n],
    ['2024-02-29T12:00:00,5Z', noon + 500_000n],
    ['2024-02-29T12:00:00.123456789Z', noon + 123_456n],
    ['1969-12-31T23:59:59.999999999Z', -1n],
    ['0000-01-01', -62_167_219_200n * second],
    ['9999-12-31T23:59:59Z', 253_402_300_799n * second],
  ])('%s is a time', (text, micros) => {
    expect(microsOf(JSON.stringify(text))).toBe(micros)
  })

  it.each([
    '',
    'now',
    '2024-',
    '2024-02-30',
    '2023-02-29',
    '2024-13-01',
    '2024-00-01',
    '2024-01-00',
    '2024-02/29',
    '2024-2-9',
    '2024-02-29T',
    '2024-02-29T12',
    '2024-02-29T24:00',
    '2024-02-29T12:60',
    '2024-02-29T12:00:60',
    '2024-02-29T12:00:00.',
    '2024-02-29T12:00:00 ',
    '2024-02-29T12:00:00X',
    '2024-02-29T12:00:00+25',
    '2024-02-29T12:00:00+01:60',
    '2024-02-29T12:00:00+01:0',
    '2024-02-29T12:00:00+01:000',
    '2024-02-29T12:00:00Z+01',
    '2024-02-29x12:00:00',
    ' 2024-02-29',
    '1700000000 ',
    '0x10',
    'NaN',
    `1700000000.${'0'.repeat(100)}`,
  ])('%j is none', (text) => {
    expect(microsOf(JSON.stringify(text))).toBe(null)
  })

  it('of any date is what JavaScript makes of it', () => {
    const anyDate = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(anyDate, fc.integer({ min: -1439, max: 1439 }), (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString()
        fc.pre(/^\d{4}-/.test(local))
        const size = Math.abs(offset)
        const zone = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0')).join(':')
        const text = local.replace('Z', `${offset < 0 ? '-' : '+'}${zone}`)
        expect(microsOf(JSON.stringify(text))).toBe(BigInt(date.getTime()) * 1000n)
      }),
    )
  })
})
