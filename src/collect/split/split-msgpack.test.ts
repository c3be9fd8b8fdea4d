import { encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'

import type { LogicalType } from '../../store/types.ts'
import { columnOf, kindsOf, rescuedOf, split, valuesOf } from './testing/split-text.ts'

type Part = string | number | readonly number[] | Uint8Array

/** Bytes of hexadecimal texts and of other bytes. */
const bytes = (...parts: Part[]): Buffer =>
  Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part.replaceAll(' ', ''), 'hex')
      return typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)
    }),
  )

/** A record `{"v": value}` whose value is given in hexadecimal. */
const record = (value: Part): Buffer => bytes('81 a1 76', value)
const records = (...values: Part[]): Buffer => Buffer.concat(values.map(record))

const pack = (value: unknown): Uint8Array => encode(value, { useBigInt64: true })

const reasonsOf = (result: ReturnType<typeof split>) =>
  result.rejected.map(({ recordNumber, reason }) => [recordNumber, reason])

function intoColumn(kind: Exclude<LogicalType['kind'], 'decimal' | 'array' | 'map' | 'row'>, ...values: Part[]) {
  const result = split('msgpack', records(...values), { known: [{ name: 'v', type: { kind } }] })
  expect(result.rejected).toEqual([])
  return { values: valuesOf(result, 'v'), rescued: rescuedOf(result, 'v') }
}

describe('bodies of MessagePack', () => {
  it('are maps one after the other, an array of maps, or both', () => {
    const one = pack({ a: 1 })
    expect(valuesOf(split('msgpack', bytes(one, one)), 'a')).toEqual([1n, 1n])
    expect(valuesOf(split('msgpack', pack([{ a: 1 }, { a: 2 }])), 'a')).toEqual([1n, 2n])
    expect(valuesOf(split('msgpack', bytes(one, pack([]), pack([{ a: 2 }]), one)), 'a')).toEqual([1n, 2n, 1n])
    expect(valuesOf(split('msgpack', bytes('dd 00000001', one)), 'a')).toEqual([1n])
    expect(split('msgpack', '').bodies).toEqual([{ rows: 0, rejected: 0 }])
  })

  it('leave the neighbours of a record alone that is no map, has a key twice or one that is no text', () => {
    const good = pack({ a: 1 })
    const body = bytes(
      good,
      pack(5),
      pack('text'),
      '82 a161 01 a161 02',
      '81 01 02',
      '81 a161 a2c328',
      '81 a2c328 01',
      good,
    )
    const result = split('msgpack', pack([{ a: 0 }, [{ a: 9 }], { a: 1 }]))
    expect(reasonsOf(result)).toEqual([[1, 'not_an_object']])
    expect(valuesOf(result, 'a')).toEqual([0n, 1n])
    const mixed = split('msgpack', body)
    expect(valuesOf(mixed, 'a')).toEqual([1n, 1n])
    expect(reasonsOf(mixed)).toEqual([
      [1, 'not_an_object'],
      [2, 'not_an_object'],
      [3, 'duplicate_key'],
      [4, 'column_name'],
      [5, 'utf8'],
      [6, 'utf8'],
    ])
    expect(Buffer.from(mixed.rejected[2]?.raw ?? []).toString('hex')).toBe('82a16101a16102')
  })

  it('end where their encoding is broken: the rest is one rejected record', () => {
    const good = pack({ a: 1 })
    expect(reasonsOf(split('msgpack', bytes(good, '81 a161 c1', good)))).toEqual([[1, 'msgpack_syntax']])
    expect(reasonsOf(split('msgpack', bytes(good, '81 a161 a5 78')))).toEqual([[1, 'truncated']])
    expect(reasonsOf(split('msgpack', bytes('93', good, good)))).toEqual([[2, 'truncated']])
    const cut = split('msgpack', bytes('ddffffffff', good, '81 a162'))
    expect(reasonsOf(cut)).toEqual([[1, 'truncated']])
    expect(valuesOf(cut, 'a')).toEqual([1n])
  })

  it('hold against announced sizes without bytes behind them', () => {
    for (const header of [
      'dfffffffff',
      '81 a161 ddffffffff',
      '81 a161 dbffffffff',
      '81 a161 c6ffffffff',
      '81 a161 c9ffffffff',
    ]) {
      expect(reasonsOf(split('msgpack', bytes(header)))).toEqual([[0, 'truncated']])
    }
  })

  it.each([10_000, 1_000_000])('hold against %i levels', (levels) => {
    const good = pack({ a: 1 })
    const arrays = bytes('81 a161', new Uint8Array(levels).fill(0x91), 'c0')
    const maps = bytes('81 a161', Buffer.alloc(levels * 3, '81a161', 'hex'), 'c0')
    const result = split('msgpack', bytes(good, arrays, good, maps, good))
    expect(reasonsOf(result)).toEqual([
      [1, 'depth'],
      [3, 'depth'],
    ])
    expect(valuesOf(result, 'a')).toEqual([1n, 1n, 1n])
    const exact = bytes('81 a161', new Uint8Array(63).fill(0x91), 'c0')
    expect(split('msgpack', exact).rows).toBe(1)
  })

  it('have keys of strings or of bytes', () => {
    const result = split('msgpack', bytes('81 a161 01', '81 c40161 02', '81 d90161 03', '82 a161 01 c40161 02'))
    expect(valuesOf(result, 'a')).toEqual([1n, 2n, 3n])
    expect(reasonsOf(result)).toEqual([[3, 'duplicate_key']])
  })
})

describe('integers', () => {
  const forms = ['00', '7f', 'ff', 'e0', 'ccff', 'cdffff', 'ceffffffff', 'd080', 'd18000', 'd280000000']
  const wide = [
    'cf001fffffffffffff',
    'cf0020000000000001',
    'cf7fffffffffffffff',
    'd38000000000000000',
    'd3ffdfffffffffffff',
    'd3ffffffffffffffff',
  ]
  const values = [0n, 127n, -1n, -32n, 255n, 65_535n, 4_294_967_295n, -128n, -32_768n, -2_147_483_648n]
  const wideValues = [2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n) - 1n, -1n]

  it('keep every digit in all their forms', () => {
    expect(intoColumn('bigint', ...forms, ...wide).values).toEqual([...values, ...wideValues])
    expect(valuesOf(split('msgpack', records(...forms, ...wide)), 'v')).toEqual([...values, ...wideValues])
    expect(intoColumn('varchar', ...forms, ...wide).values).toEqual([...values, ...wideValues].map(String))
  })

  it('beyond int64 are rescued, or make a column of text', () => {
    const huge = 'cf8000000000000000'
    expect(intoColumn('bigint', huge)).toEqual({ values: [null], rescued: ['9223372036854775808'] })
    expect(intoColumn('double', huge)).toEqual({ values: [2 ** 63], rescued: ['9223372036854775808'] })
    expect(valuesOf(split('msgpack', records('01', huge)), 'v')).toEqual(['1', '9223372036854775808'])
  })
})

describe('floats', () => {
  const ninetyNine = pack(99.9)
  const float32 = 'ca3dcccccd'

  it('are doubles; in a bigint column only integers fit', () => {
    expect(intoColumn('double', ninetyNine, float32, 'cb7ff0000000000000', 'cb8000000000000000').values).toEqual([
      99.9,
      Math.fround(0.1),
      Infinity,
      -0,
    ])
    const result = intoColumn(
      'bigint',
      'cb4340000000000000',
      'cb43dfffffffffffff',
      ninetyNine,
      'cb43e0000000000000',
      'cb7ff8000000000000',
    )
    expect(result).toEqual({
      values: [2n ** 53n, 2n ** 63n - 1024n, null, null, null],
      rescued: [null, null, '99.9', '9223372036854776000', '"NaN"'],
    })
  })

  it('without a number are text where text is asked for', () => {
    const odd = ['cb7ff8000000000000', 'cb7ff0000000000000', 'cbfff0000000000000']
    expect(intoColumn('varchar', ...odd).values).toEqual(['NaN', 'Infinity', '-Infinity'])
    expect(intoColumn('json', ...odd).values).toEqual(['"NaN"', '"Infinity"', '"-Infinity"'])
    expect(valuesOf(split('msgpack', records(...odd)), 'v')).toEqual([Number.NaN, Infinity, -Infinity])
  })
})

describe('bytes, moments and extensions', () => {
  it('bytes make a varbinary column; in varchar they are text if they are UTF-8', () => {
    expect(kindsOf(split('msgpack', records('c40100')))).toEqual({ v: 'varbinary' })
    expect(valuesOf(split('msgpack', records('c40100', 'c400')), 'v')).toEqual(['00', ''])
    expect(intoColumn('varchar', 'c402c3a9', 'c402c328')).toEqual({ values: ['é', null], rescued: [null, '"wyg="'] })
    expect(intoColumn('json', 'c402c328').values).toEqual(['"wyg="'])
    expect(intoColumn('varbinary', 'a161')).toEqual({ values: [null], rescued: ['"a"'] })
    const mixed = split('msgpack', records('c402c328', 'a161'))
    expect([valuesOf(mixed, 'v'), rescuedOf(mixed, 'v')]).toEqual([
      [null, 'a'],
      ['"wyg="', null],
    ])
  })

  it('timestamps of all sizes and EventTime make a timestamp column', () => {
    const moments = ['d6ff00000001', 'd7ff00000fa000000001', 'c70cff000003e8ffffffffffffffff', 'd7000000000100000000']
    const result = split('msgpack', records(...moments))
    expect(kindsOf(result)).toEqual({ v: 'timestamp' })
    expect(valuesOf(result, 'v')).toEqual([1_000_000n, 1_000_001n, -999_999n, 1_000_000n])
    expect(intoColumn('varchar', ...moments).values).toEqual([
      '1970-01-01T00:00:01Z',
      '1970-01-01T00:00:01.000001Z',
      '1969-12-31T23:59:59.000001Z',
      '1970-01-01T00:00:01Z',
    ])
    expect(intoColumn('timestamp', 'd7ff0000000400000000')).toEqual({
      values: [0n],
      rescued: ['"1970-01-01T00:00:00.000000001Z"'],
    })
  })

  it('other extensions are kept with their type and bytes', () => {
    expect(valuesOf(split('msgpack', records('d4057f', 'c7000a', 'd7ffffffffff00000000')), 'v')).toEqual([
      '{"ext":5,"data":"fw=="}',
      '{"ext":10,"data":""}',
      '{"ext":-1,"data":"/////wAAAAA="}',
    ])
  })

  it('moments are times', () => {
    const body = bytes('81 a474696d65 d7ff00000fa065000000', '81 a474696d65 d7006500000011e1a300', '81 a474696d65 c0')
    const result = split('msgpack', body)
    expect(valuesOf(result, 'time')).toEqual([0x6500_0000n, 0x6500_0000n, 1_600_000_000n])
    expect(valuesOf(result, 'time_us')).toEqual([1_694_498_816_000_001n, 1_694_498_816_300_000n, null])
    expect(reasonsOf(split('msgpack', bytes('81 a474696d65 d40500')))).toEqual([[0, 'time']])
  })
})

it('nested values become JSON text with every digit', () => {
  const value = bytes(
    '87 a161 93 cfffffffffffffffff d38000000000000000 cb3ff8000000000000',
    'a162 82 01 c3 c0 c2',
    'a163 c402c328',
    'a164 a6 0a225cc3a9 41',
    'a165 cb7ff8000000000000',
    'c40166 90',
    'a167 d6ff00000001',
  )
  const result = split('msgpack', record(value))
  expect(kindsOf(result)).toEqual({ v: 'json' })
  expect(valuesOf(result, 'v')).toEqual([
    '{"a":[18446744073709551615,-9223372036854775808,1.5],"b":{"1":true,"null":false},"c":"wyg=",' +
      '"d":"\\u000a\\"\\\\éA","e":"NaN","f":[],"g":"1970-01-01T00:00:01Z"}',
  ])
  expect(columnOf(result, '_rescued')).toBeUndefined()
})
