import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doubleJson } from '../../collect/split/decimal.ts'
import type { LogicalType } from '../types.ts'
import { formatType, parseType } from '../types.ts'
import { conversion } from './conversions.ts'
import { stepwise } from './stepwise.ts'
import type { ImportedFiles } from './testing/imported-files.ts'
import { openImportedFiles } from './testing/imported-files.ts'
import { expectedValues, importedValues, keptRows } from './testing/kept-values.ts'

// The splitter says what a value becomes in a column. Values that were imported into a column of one type and then converted
// are compared with what the splitter makes of the same values in a column of the other type.

let files: ImportedFiles

beforeAll(async () => {
  files = await openImportedFiles()
})
afterAll(() => files.close())

const imported = (sources: readonly (string | Uint8Array)[], type: LogicalType) => importedValues(files, sources, type)
const rowsOf = (select: string) => keptRows(files, select)

function converted(select: string, from: LogicalType | null, to: LogicalType): string {
  const { steps, value, rescued } = conversion(from, to)
  const source = from === null ? `select rescued from (${select})` : select
  return `select ${value} as value, ${rescued} as rescued from (${stepwise(source, steps)})`
}

const types = [
  'boolean',
  'bigint',
  'double',
  'decimal(9,3)',
  'decimal(18,0)',
  'decimal(38,10)',
  'varchar',
  'varbinary',
  'date',
  'timestamp',
  'json',
].map(parseType)

const anyDigits = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), minLength: 1, maxLength })
const anyInteger = fc
  .tuple(fc.constantFrom('', '-'), fc.constantFrom('', '1', '922337203685477'), anyDigits(20))
  .map(([sign, lead, digits]) => sign + (`${lead}${digits}`.replace(/^0+(?=\d)/, '') || '0'))
const anyDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: -20, max: 20 })).map(([digits, power]) => {
    return Number(`${digits}e${power}`)
  }),
)
const anyNumber = fc.oneof(
  anyInteger,
  fc.integer({ min: -300, max: 300 }).map(String),
  anyDouble.map(doubleJson),
  fc.tuple(anyInteger, anyDigits(20)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc
    .tuple(anyInteger, fc.option(anyDigits(12)), fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(40))
    .map(([whole, fraction, mark, power]) => `${whole}${fraction === null ? '' : `.${fraction}`}${mark}${power}`),
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', '9007199254740993', '-0'),
  fc.constantFrom('1e400', '-1e-400', '0e99999999999', '1.0', '1e3', '-0.0', '1e-99999999999', '9007199254740992'),
  fc.constantFrom('5e-324', '2e-324', '1.7976931348623157e308', '1e21', '1e-7', '123456789012345680000', '1e16'),
)
const two = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'))
const anyDay = fc
  .tuple(
    fc.constantFrom('0000', '0001', '1582', '1969', '2000', '2024', '9999'),
    two(13),
    two(32),
    fc.constantFrom('-', '-', '/'),
  )
  .map(([year, month, day, mark]) => [year, month, day].join(mark))
const anyMoment = fc
  .tuple(
    anyDay,
    fc.constantFrom('T', ' ', 't', '_'),
    fc.tuple(two(24), two(60)).map((clock) => clock.join(':')),
    fc.oneof(
      fc.constant(''),
      two(60).map((second) => `:${second}`),
    ),
    fc.oneof(
      fc.constant(''),
      anyDigits(12).map((digits) => `.${digits}`),
      fc.constant(',5'),
    ),
    fc.constantFrom('', 'Z', 'z', ' UTC', ' utc', '+09', '-0330', '+05:30', ' +01:00', '+24:00', ' ', '+1'),
  )
  .map((parts) => parts.join(''))
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  anyNumber,
  anyDay,
  anyMoment,
  fc.constantFrom('true', 'false', 'null', '', '0200', '[1, 2]', '{"a":1}', '[1', 'a\0b', '"q"', '1_000', 'NaN', ' 1'),
  fc.constant(`1${'0'.repeat(1200)}`),
)
const anySource = fc.oneof(
  anyNumber,
  anyText.map((text) => JSON.stringify(text)),
  fc.constantFrom('true', 'false', 'null', '[]', '[1, {"a":"\\u0062"}]', '{"a": 1e400}'),
  fc.constantFrom('"\\ud83d"', '["\\ud83d"]', '"\\u0074rue"', '"\\u0031"', '"\\ud83d\\ude00"', '"1\\u0000"'),
)
const anySources = fc.array(anySource, { minLength: 1, maxLength: 60 })

describe('a converted value', () => {
  const pairs = types.flatMap((from) => types.filter((to) => to !== from).map((to) => [from, to] as const))

  it.each(pairs.map(([from, to]) => [formatType(from), formatType(to), from, to] as const))(
    'of %s as %s is what its JSON text would have become',
    async (_from, _to, from, to) => {
      await fc.assert(
        fc.asyncProperty(anySources, async (sources) => {
          const before = await imported(sources, from)
          const wanted = await expectedValues(files, await rowsOf(before), from, to)
          expect(await rowsOf(converted(before, from, to))).toEqual(wanted)
        }),
        { numRuns: 2 },
      )
    },
  )

  it.each(types.map((to) => [formatType(to), to] as const))(
    'that is nowhere but in _rescued, as %s, is what the import would have made of it',
    async (_to, to) => {
      await fc.assert(
        fc.asyncProperty(anySources, async (sources) => {
          // Columns of bytes rescue all that is JSON.
          const before = await imported(sources, { kind: 'varbinary' })
          expect(await rowsOf(converted(before, null, to))).toEqual(await rowsOf(await imported(sources, to)))
        }),
        { numRuns: 5 },
      )
    },
  )

  const anyBinary = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.constantFrom('1234', 'true', 'é', '').map((text) => new Uint8Array(Buffer.from(text))),
  )
  const anyFloat = fc.oneof(
    fc.double({ min: -(2 ** 53), max: 2 ** 53, noNaN: true }).filter((value) => !Object.is(value, -0)),
    fc.constantFrom(NaN, Infinity, -Infinity, 1, -3.5),
  )
  const anyDate = fc.date({
    min: new Date('1900-01-01T00:00:00.001Z'),
    max: new Date('2200-01-01'),
    noInvalidDate: true,
  })

  it.each([
    ['varbinary', anyBinary],
    ['double', anyFloat],
    ['timestamp', anyDate.filter((date) => date.getTime() % 86_400_000 !== 0)],
  ] as const)(
    'of %s from MessagePack is what MessagePack would have become',
    async (kind, any: fc.Arbitrary<unknown>) => {
      await fc.assert(
        fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 20 }), async (values) => {
          const sources = values.map((value) => encode(value, { forceIntegerToFloat: true }))
          const before = await imported(sources, { kind })
          for (const to of types.filter((type) => type.kind !== kind)) {
            expect(await rowsOf(converted(before, { kind }, to))).toEqual(await rowsOf(await imported(sources, to)))
          }
        }),
        { numRuns: 3 },
      )
    },
  )
})
