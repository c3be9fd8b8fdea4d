import { Encoder, decodeMulti } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { mapsOfArrays } from './msgpack-maps.ts'

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.double(),
  fc.float().map(Math.fround),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(200, 300).map((length) => 'x'.repeat(length)),
  fc.constantFrom(3, 300).map((length) => new Uint8Array(length)),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
}))
const names = fc.uniqueArray(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((name) => name !== '__proto__'),
  { maxLength: 20 },
)
const rowsOfColumns = names.chain((columns) =>
  fc.tuple(
    fc.constant(columns),
    fc.array(fc.array(value, { minLength: columns.length, maxLength: columns.length }), { maxLength: 5 }),
  ),
)

const options = { useBigInt64: true } as const

function packed(values: readonly unknown[]): Buffer {
  const encoder = new Encoder(options)
  return Buffer.concat(values.map((each) => encoder.encode(each)))
}

describe('rows as maps', () => {
  it('have the values of the rows under the names of the columns, without those that are nil', () => {
    fc.assert(
      fc.property(rowsOfColumns, ([columns, rows]) => {
        const bytes = packed(rows)
        const expected = [...decodeMulti(bytes, options)].map((row) => {
          const entries = columns.map((name, index) => [name, (row as unknown[])[index]] as const)
          return Object.fromEntries(entries.filter(([, each]) => each !== null))
        })
        expect([...decodeMulti(mapsOfArrays(columns, bytes), options)]).toEqual(expected)
      }),
    )
  })

  it('may have values of any length', () => {
    const row = ['x'.repeat(70_000), new Uint8Array(70_000), Array.from({ length: 70_000 }, () => 1), 'y'.repeat(300)]
    const columns = ['a', 'b', 'c', 'd']
    const expected = packed([Object.fromEntries(columns.map((name, index) => [name, row[index]]))])
    expect(mapsOfArrays(columns, packed([row])).equals(expected)).toBe(true)
  })

  it('keep the bytes of values as they are', () => {
    const double = packed([[1.5]]).subarray(1)
    double.writeDoubleBE(1, 1)
    const extension = Buffer.from([0xc7, 0x03, 0x05, 1, 2, 3])
    const rows = Buffer.concat([Buffer.from([0x92]), double, extension])
    const expected = Buffer.concat([Buffer.from([0x82, 0xa1, 0x61]), double, Buffer.from([0xa1, 0x62]), extension])
    expect(mapsOfArrays(['a', 'b'], rows)).toEqual(expected)
  })
})
