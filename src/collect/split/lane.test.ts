import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Memory } from '../../base/kept-memory.ts'
import { compiledLane } from '../testing/compile-lane.ts'
import type { NativeModule } from './native-lane.ts'
import type { Known } from './testing/split-text.ts'
import { limits, receivedAtUs, rowsOf } from './testing/split-text.ts'
import { createSplitter } from './split.ts'
import type { SchemaMode, SplitBody, SplitResult } from './splitter.ts'

// The lanes, in JavaScript and in WebAssembly, beside the tape: whatever bodies hold, splitting them with either gives what
// splitting them without it does.

const known: Known = [
  { name: 'code', type: { kind: 'bigint' } },
  { name: 'price', type: { kind: 'double' } },
  { name: 'host', type: { kind: 'varchar' } },
  { name: 'é', type: { kind: 'varchar' } },
  { name: 'isNew', type: { kind: 'boolean' } },
  { name: 'day', type: { kind: 'date' } },
]

const anyText = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 20 }) },
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', '/', 'ß'), minLength: 95, maxLength: 300 }),
)
const anyInteger = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -200, max: 70_000 }) },
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 2 ** 53, -(2 ** 53), 2 ** 31, 2 ** 32, 10 ** 11, -(10 ** 11), 10 ** 11 - 1),
)
/** Beyond what a double holds, where MessagePack has 64 bits and JSON any digits. */
const anyWide = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 2n ** 53n - 9n, max: 2n ** 53n + 9n }),
)
const anyDigits = fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), maxLength: 17 })
/** In JSON a number of these digits, or none at all; in MessagePack a text. */
const anyNumeral = fc
  .tuple(fc.integer({ min: -9, max: 99 }), anyDigits, fc.constantFrom('', '', '.', '0', '.5', 'e5'))
  .map(([whole, digits, end]) => `#${whole}.${digits}${end}#`)
const anyFraction = fc.oneof(
  fc.double(),
  fc.integer({ min: -99_999, max: 99_999 }).map((value) => value / 100),
)
const anyValue = fc.oneof(
  anyText,
  anyInteger,
  anyWide,
  anyNumeral,
  anyFraction,
  fc.boolean(),
  fc.constant(null),
  fc.constant([1, 'a']),
)

/** Mostly what the columns are of, and now and then anything. */
const often = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 2, arbitrary: fc.constant(null) }, anyValue)
const anyUsual = fc.record({
  time: fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 0, max: 2e9 }) },
    anyInteger,
    anyFraction,
    fc.constant(null),
  ),
  code: often(fc.oneof({ weight: 8, arbitrary: anyInteger }, anyWide)),
  price: often(fc.oneof({ weight: 8, arbitrary: anyFraction }, anyInteger, anyNumeral)),
  host: often(anyText),
  é: often(anyText),
  isNew: often(fc.boolean()),
  always: fc.oneof({ weight: 30, arbitrary: fc.constant(null) }, anyValue),
})
/** Long runs of records of one shape, with others between. */
const anyRecord = fc.oneof(
  { weight: 20, arbitrary: anyUsual },
  anyUsual.map((record) => Object.fromEntries(Object.entries(record).toReversed())),
  {
    weight: 5,
    arbitrary: fc
      .tuple(anyUsual, fc.subarray(['time', 'code', 'price', 'host', 'é', 'always']))
      .map(([record, lacks]) => {
        return Object.fromEntries(Object.entries(record).filter(([name]) => !lacks.includes(name)))
      }),
  },
  anyUsual.map((record) => ({ ...record, more: 1, day: '2024-02-29' })),
)
const anyRecords = fc.array(anyRecord, { maxLength: 40 })

/** JSON in which marked texts and wide integers are bare numerals. */
function jsonOf(record: object, space?: string): string {
  const json = JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? `#${value}#` : value), space)
  return json.replaceAll(/"#([^"#]*)#"/g, '$1')
}
const anyStyle = fc.constantFrom(
  (record: object) => jsonOf(record),
  (record: object) => jsonOf(record).replaceAll('":', '": ').replaceAll(',"', ', "'),
  (record: object) => jsonOf(record, ' ').replaceAll('\n', ''),
)
const anyLines = fc
  .tuple(anyRecords, anyStyle, fc.constantFrom('\n', '\r\n', '\n\n'))
  .map(([records, style, end]) => Buffer.from(records.map((record) => style(record) + end).join('')))
const packed = (value: unknown): Uint8Array => encode(value, { useBigInt64: true })
const anyMaps = fc
  .tuple(anyRecords, fc.boolean())
  .map(([records, isArray]) => Buffer.concat(isArray ? [packed(records)] : records.map(packed)))

/** The bytes with some of them changed, added or taken away. */
const damaged = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(bytes, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
    .map(([whole, changes]) => {
      const copy = Buffer.from(whole)
      for (const [place, byte] of changes) if (copy.length > 0) copy[place % copy.length] = byte
      return copy
    })

const bodyOf = (format: SplitBody['format'], timeColumn: string | null) => (bytes: Buffer) => {
  return { bytes, format, timeColumn, receivedAtUs }
}
const anyTimeColumn = fc.constantFrom(null, null, null, 'time', 'code')
const anyBody = fc.oneof(
  fc.tuple(fc.oneof(anyLines, damaged(anyLines)), anyTimeColumn).map(([bytes, time]) => bodyOf('ndjson', time)(bytes)),
  fc.tuple(fc.oneof(anyMaps, damaged(anyMaps)), anyTimeColumn).map(([bytes, time]) => bodyOf('msgpack', time)(bytes)),
)

/** What a result says: cells, and why and where records were rejected. */
function said(result: SplitResult): unknown {
  const { rejected, bodies, columns } = result
  return {
    rows: rowsOf(result),
    columns: columns.map(({ name, type }) => [name, type]),
    bodies,
    rejected: rejected.map(({ raw, ...facts }) => ({ ...facts, raw: Buffer.from(raw).toString('hex') })),
  }
}

/** Rooms in which all bits were set by those who had them before. */
const usedMemory: Memory = {
  take(bytes) {
    const room = new ArrayBuffer(bytes + 100)
    new Uint8Array(room).fill(0xff)
    return room
  },
}

const anyMode = fc.constantFrom<SchemaMode>('evolve', 'evolve', 'freeze', 'quarantine')

let native: NativeModule
beforeAll(async () => {
  native = await compiledLane()
})

describe('the lane', () => {
  it('changes nothing about what becomes of any bodies', () => {
    fc.assert(
      fc.property(fc.array(anyBody, { minLength: 1, maxLength: 3 }), anyMode, fc.nat(600), (bodies, mode, bytes) => {
        const own = { ...limits, recordBytesMax: bytes < 100 ? bytes + 100 : limits.recordBytesMax }
        const without = said(createSplitter({ usesLane: false }).split(bodies, known, own, mode))
        expect(said(createSplitter().split(bodies, known, own, mode))).toEqual(without)
        expect(said(createSplitter({ native }).split(bodies, known, own, mode))).toEqual(without)
        expect(said(createSplitter().split(bodies, known, own, mode, usedMemory))).toEqual(without)
        expect(said(createSplitter({ native }).split(bodies, known, own, mode, usedMemory))).toEqual(without)
      }),
      { numRuns: 200 },
    )
  })

  it('reads escapes in WebAssembly as the tape does', () => {
    const simple = ['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t']
    const units = ['\\u0000', '\\u007F', '\\u00e9', '\\u07ff', '\\u20AC', '\\ud7ff', '\\ue000', '\\uffff']
    const pairs = ['\\ud83d\\ude00', '\\uDBFF\\uDFFF', '\\ud800\\udc00']
    const ordinary = ['a', 'é', '😀', 'x'.repeat(14), 'y'.repeat(40)]
    const odd = [
      '\\ud83d',
      '\\udc00',
      '\\ud83d\\u0041',
      '\\ud83dx',
      '\\x',
      '\\u12',
      '\\u12g4',
      '\\u00/0',
      '\\U0041',
      '\t',
      '\x00',
      '\x1f',
      '\x7f',
    ]
    const anyPart = fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom(...simple, ...units, ...pairs) },
      { weight: 40, arbitrary: fc.constantFrom(...ordinary) },
      fc.constantFrom(...odd),
    )
    const anyEscaped = fc.array(anyPart, { maxLength: 8 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(anyEscaped, { minLength: 2, maxLength: 40 }), (texts) => {
        const lines = texts.map((text, n) => `{"time":${n},"host":"${text}","code":${n}}\n`)
        const bodies = [bodyOf('ndjson', null)(Buffer.from(lines.join('')))]
        const without = said(createSplitter({ usesLane: false }).split(bodies, known, limits))
        expect(said(createSplitter({ native }).split(bodies, known, limits))).toEqual(without)
      }),
      { numRuns: 300 },
    )
    // One of each that is allowed does go through the lane, and not over the tape.
    const all = [...simple, ...units, ...pairs, ...ordinary].map((text) => `{"time":1,"host":"${text}${text}"}\n`)
    createSplitter({ native }).split([bodyOf('ndjson', null)(Buffer.from(all.join('')))], known, limits)
    expect(native.exports.rows.value).toBe(all.length - 1)
  })

  it('reads numbers in WebAssembly as the tape does', () => {
    const anyPlaces = fc.string({ unit: fc.constantFrom('0', '1', '9', '4', '7'), minLength: 1, maxLength: 18 })
    const anyPart = fc.oneof({ weight: 8, arbitrary: anyPlaces }, fc.constantFrom('0', '0', '00', ''))
    const anySign = fc.constantFrom('', '', '-', '--', '+')
    const anyFraction = fc.oneof(
      { weight: 3, arbitrary: anyPart.map((digits) => `.${digits}`) },
      fc.constantFrom('', '', '', '.', '.5.5', 'e3', '.25e-2', ' ', 'x'),
    )
    const anyNumber = fc.tuple(anySign, anyPart, anyFraction).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(fc.tuple(anyNumber, anyNumber), { minLength: 2, maxLength: 40 }), (numbers) => {
        const lines = numbers.map(([one, two], n) => `{"time":${n},"code":${one},"price":${two}}\n`)
        const bodies = [bodyOf('ndjson', null)(Buffer.from(`{"time":0,"code":1,"price":1}\n${lines.join('')}`))]
        const without = said(createSplitter({ usesLane: false }).split(bodies, known, limits))
        expect(said(createSplitter().split(bodies, known, limits))).toEqual(without)
        expect(said(createSplitter({ native }).split(bodies, known, limits))).toEqual(without)
      }),
      { numRuns: 300 },
    )
    const zeros = Buffer.from('{"time":1,"price":1}\n{"time":2,"price":-0}\n{"time":3,"price":-0.0}\n')
    for (const splitter of [createSplitter({ usesLane: false }), createSplitter(), createSplitter({ native })]) {
      const prices = rowsOf(splitter.split([bodyOf('ndjson', null)(zeros)], known, limits)).map(({ price }) => price)
      expect(prices.map((price) => Object.is(price, -0))).toEqual([false, true, true])
    }
  })

  it('reads bodies of many windows in WebAssembly, with records that are longer than one', () => {
    const lengths = [10, 20_000, 70_000, 300_000, 3]
    const records = Array.from({ length: 3000 }, (_, n) => ({
      time: n,
      code: n % 5 === 0 ? null : n * 2 ** 20,
      price: n % 3 === 0 ? n : n / 4,
      host: n % 7 === 0 ? null : 'ß'.repeat(n % 3) + 'x'.repeat(n % 500 === 0 ? (lengths[n / 500 - 1] ?? 0) : n % 40),
      isNew: n % 2 === 0,
    }))
    const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const maps = Buffer.concat(records.map((record) => encode(record)))
    for (const [format, bytes] of [
      ['ndjson', lines],
      ['msgpack', maps],
      ['msgpack', Buffer.from(encode(records))],
    ] as const) {
      const bodies = [bodyOf(format, null)(bytes), bodyOf(format, null)(bytes)]
      const without = said(createSplitter({ usesLane: false }).split(bodies, known, limits))
      expect(said(createSplitter({ native }).split(bodies, known, limits))).toEqual(without)
      // The last call took what followed the last record that is longer than a window.
      expect(native.exports.rows.value).toBeGreaterThan(100)
    }
  })

  it('takes records that lack a key, or have null for it, but not those that have another one', () => {
    const records = Array.from({ length: 3000 }, (_, n) => ({
      time: n,
      ...(n % 10 > 0 && { code: n }),
      ...(n % 3 > 0 && { host: n % 3 === 1 ? `h${n}` : null }),
      ...(n % 1000 === 500 && { price: n }),
      ...(n % 7 > 0 && { é: 'é' }),
    }))
    const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const maps = Buffer.concat(records.map((record) => encode(record)))
    for (const [format, bytes] of [
      ['ndjson', lines],
      ['msgpack', maps],
    ] as const) {
      const bodies = [bodyOf(format, null)(bytes)]
      const without = said(createSplitter({ usesLane: false }).split(bodies, known, limits))
      expect(said(createSplitter({ native }).split(bodies, known, limits))).toEqual(without)
      // The last call took what followed the last one with a price, maybe without the end of the body.
      expect(native.exports.rows.value).toBeGreaterThan(490)
    }
  })

  it('keeps to what most records are like, where some have a key more', () => {
    const records = Array.from({ length: 3000 }, (_, n) => ({
      time: n,
      ...(n % 10 === 0 && { code: n }),
      host: `h${n}`,
    }))
    const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const result = createSplitter().split([bodyOf('ndjson', null)(lines)], known, limits)
    expect(rowsOf(result).map(({ code }) => code)).toEqual(
      records.map(({ code }) => (code === undefined ? null : BigInt(code))),
    )
    expect(said(createSplitter({ native }).split([bodyOf('ndjson', null)(lines)], known, limits))).toEqual(said(result))
  })

  it('takes more records than go through it at once, up to one that is different, and goes on behind it', () => {
    const records = Array.from({ length: 1000 }, (_, n) => ({ time: n, code: n === 700 ? 'none' : n, host: `h${n}` }))
    for (const [format, module] of [['msgpack'], ['msgpack', native], ['ndjson'], ['ndjson', native]] as const) {
      const bytes =
        format === 'msgpack'
          ? Buffer.concat(records.map((record) => encode(record)))
          : Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
      const result = createSplitter({ native: module }).split([bodyOf(format, null)(bytes)], known, limits)
      const rows = rowsOf(result)
      expect(rows).toHaveLength(1000)
      expect(rows[700]).toEqual({ time: 700n, code: null, host: 'h700', _rescued: { code: '"none"' } })
      expect(rows[999]).toEqual({ time: 999n, code: 999n, host: 'h999', _rescued: null })
    }
  })
})
