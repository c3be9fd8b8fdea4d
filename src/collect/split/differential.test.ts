import { decodeMulti, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { LogicalType } from '../../store/types.ts'
import { fractionOf, isSameNumber, referenceRecord } from './testing/reference-json.ts'
import type { ReferenceRecord, ReferenceValue } from './testing/reference-json.ts'
import type { Known } from './testing/split-text.ts'
import { columnOf, split, valueAt } from './testing/split-text.ts'
import type { SplitResult } from './splitter.ts'

// The splitter beside plain decoders, over generated and mutated documents: the same records are readable, and every value is
// in its column to the digit or in `_rescued` as it was written.

const anyDigits = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), minLength: 1, maxLength })
const anyInteger = fc
  .tuple(fc.constantFrom('', '-'), fc.constantFrom('', '1', '9', '922337203685477'), anyDigits(22))
  .map(([sign, lead, digits]) => sign + (`${lead}${digits}`.replace(/^0+(?=\d)/, '') || '0'))
/** Around the ends of int64, on both sides. */
const anyEdge = fc
  .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 9n * 10n ** 18n, max: 10n ** 19n }))
  .map((parts) => parts.join(''))
const anyNumberText = fc.oneof(
  anyEdge,
  anyInteger,
  fc.integer({ min: -10, max: 10 }).map(String),
  fc.constantFrom(
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    '9007199254740993',
    '-0',
    '1.0',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
  fc.tuple(anyInteger, anyDigits(20)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc
    .tuple(anyInteger, fc.option(anyDigits(20)), fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(350))
    .map(([whole, fraction, mark, power]) => `${whole}${fraction === null ? '' : `.${fraction}`}${mark}${power}`),
)

const anyJsonText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  anyNumberText,
  fc.constantFrom('true', 'false', 'null', '', '2024-01-01', '[1]', '\ud83d', 'a\udc00b'),
)

/** A JSON string in one of the ways to write it. */
const anyStringSource = fc.tuple(anyJsonText, fc.constantFrom('plain', 'escaped', 'mixed')).map(([text, style]) => {
  const source = JSON.stringify(text)
  if (style === 'plain') return source
  const every = style === 'escaped' ? 1 : 3
  return `"${Array.from(text)
    .map((char, index) => {
      if (index % every !== 0) return JSON.stringify(char).slice(1, -1)
      return Array.from(
        { length: char.length },
        (_, unit) => `\\u${char.charCodeAt(unit).toString(16).padStart(4, '0')}`,
      ).join('')
    })
    .join('')}"`
})

const anySpace = fc.constantFrom('', '', '', ' ', '\t ', '  ')

const { value: anyValueSource } = fc.letrec<{ value: string; nested: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    anyNumberText,
    anyStringSource,
    fc.constantFrom('true', 'false', 'null'),
    tie('nested'),
  ),
  nested: fc.oneof(
    fc
      .tuple(fc.array(tie('value'), { maxLength: 3 }), anySpace)
      .map(([items, space]) => `[${space}${items.join(`${space},`)}]`),
    fc
      .tuple(fc.array(fc.tuple(anyStringSource, tie('value')), { maxLength: 3 }), anySpace)
      .map(([items, space]) => `{${items.map(([key, value]) => `${space}${key}:${value}`).join(',')}${space}}`),
  ),
}))

const names = ['a', 'b', 'c', 'd', 'e', 'long name', 'é', '__proto__']
const anyKeySource = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...names).map((name) => JSON.stringify(name)) },
  { weight: 1, arbitrary: fc.constantFrom('"\\u0061"', '"A"', '""', '"q\\"q"', '"time_us"', '"\\ud800"', '"B"') },
)

const anyRecordSource = fc
  .tuple(fc.array(fc.tuple(anyKeySource, anyValueSource), { maxLength: 6 }), anySpace)
  .map(
    ([fields, space]) =>
      `{${space}${fields.map(([key, value]) => `${key}${space}:${space}${value}`).join(`${space},`)}}`,
  )

const scalarTypes: LogicalType[] = (
  ['boolean', 'bigint', 'double', 'varchar', 'json', 'date', 'timestamp'] as const
).map((kind) => ({ kind }))
const anyType = fc.constantFrom<LogicalType>(
  ...scalarTypes,
  { kind: 'decimal', precision: 9, scale: 3 },
  { kind: 'decimal', precision: 38, scale: 10 },
)
const anyKnown: fc.Arbitrary<Known> = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), type: anyType }), {
  selector: ({ name }) => name,
  maxLength: 5,
})

/** The record of a line; undefined where it is unreadable. */
function referenceOf(line: Uint8Array): ReferenceRecord | undefined {
  try {
    return referenceRecord(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line))
  } catch {
    return undefined
  }
}

/** Powers of ten up to which fractions are compared. */
const isComparable = (text: string): boolean => Math.abs(Number(/[eE]([+-]?\d+)$/.exec(text)?.[1] ?? 0)) < 2000

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Fails unless the value, which is in the column whole, says the same as the source. */
function expectSame(type: LogicalType, stored: unknown, source: ReferenceValue): void {
  const word = source.kind === 'string' ? source.string : source.text
  switch (type.kind) {
    case 'boolean':
      return expect(String(stored)).toBe(word)
    case 'bigint':
      return expect(isSameNumber(String(stored), word)).toBe(true)
    case 'double':
      return expect(isSameNumber(String(stored), word)).toBe(true)
    case 'decimal': {
      const [numerator, denominator] = fractionOf(word)
      return expect(BigInt(stored as bigint) * denominator).toBe(numerator * 10n ** BigInt(type.scale))
    }
    case 'varchar':
      return expect(stored).toBe(word)
    case 'json':
      return expect(stored).toBe(source.text)
    case 'date':
      return expect(new Date(Number(stored) * 86_400_000).toISOString().slice(0, 10)).toBe(word)
    case 'timestamp':
      return expect(new Date(Number(stored) / 1000).toISOString().slice(0, 10)).toBe(word)
    default:
      throw new Error(`no column of type ${type.kind} was expected`)
  }
}

/** Says whether the column must take the value whole, by the rules of docs/types.md. */
function mustFit(type: LogicalType, source: ReferenceValue): boolean {
  const { kind, text, string } = source
  const isNumber = kind === 'number'
  switch (type.kind) {
    case 'boolean':
      return kind === 'boolean' || string === 'true' || string === 'false'
    case 'bigint': {
      const isInteger = isNumber ? isIntegerText(text) : kind === 'string' && /^(?:0|-?[1-9]\d*)$/.test(string)
      if (!isInteger) return false
      const [numerator, denominator] = fractionOf(isNumber ? text : string)
      return BigInt.asIntN(64, numerator / denominator) === numerator / denominator
    }
    case 'double': {
      const word = isNumber ? text : string
      if (!isNumber && !(kind === 'string' && numberPattern.test(string))) return false
      const value = Number(word)
      return Number.isFinite(value) && isSameNumber(Object.is(value, -0) ? '0' : String(value), word)
    }
    case 'varchar':
    case 'json':
      return source.isWellFormed
    default:
      return false
  }
}

function isIntegerText(text: string): boolean {
  const [numerator, denominator] = fractionOf(text)
  return numerator % denominator === 0n
}

/** Every value of the records is in its column, or rescued as it was written; nothing else is. */
function expectExact(result: SplitResult, records: readonly ReferenceRecord[]): void {
  expect(result.rows).toBe(records.length)
  const rescuedColumn = columnOf(result, '_rescued')
  for (const [row, record] of records.entries()) {
    const entries = rescuedColumn === undefined ? null : valueAt(rescuedColumn, row)
    const rescued = new Map(entries instanceof Map ? (entries as Map<string, string>) : [])
    for (const [name, source] of record) {
      const column = columnOf(result, name)
      const stored = column === undefined || ['time_us', '_rescued'].includes(name) ? null : valueAt(column, row)
      const raw = rescued.get(name)
      rescued.delete(name)
      if (source.kind === 'null') expect([stored, raw]).toEqual([null, undefined])
      else if (raw !== undefined) {
        expect(raw).toBe(source.text)
        if (column !== undefined && stored !== null) expect(['double', 'timestamp']).toContain(column.type.kind)
        if (column !== undefined) expect(mustFit(column.type, source)).toBe(false)
        if (column?.type.kind === 'double' && stored !== null) {
          expect(stored).toBe(Number(source.kind === 'string' ? source.string : source.text))
        }
      } else {
        expect(stored).not.toBe(null)
        if (column !== undefined) expectSame(column.type, stored, source)
      }
    }
    expect(rescued.size).toBe(0)
    for (const column of result.columns) {
      if (['time', 'time_us', '_rescued'].includes(column.name) || record.has(column.name)) continue
      expect(valueAt(column, row)).toBe(null)
    }
  }
}

const hasComparableNumbers = (line: string): boolean =>
  [...line.matchAll(/[\d.]+(?:[eE][+-]?\d+)/g)].every(([text]) => isComparable(text))

describe('the splitter and a plain decoder', () => {
  it('agree on documents of any records, into known columns and new ones', () => {
    fc.assert(
      fc.property(fc.array(anyRecordSource, { maxLength: 8 }), anyKnown, (sources, known) => {
        const records = sources.map((source) => referenceOf(Buffer.from(source)))
        const readable = records.filter((record) => record !== undefined)
        const lines = split('ndjson', sources.join('\n'), { known })
        expectExact(lines, readable)
        expect(lines.rejected.map(({ recordNumber }) => recordNumber)).toEqual(
          records.flatMap((record, index) => (record === undefined ? [index] : [])),
        )
        // The same records in an array, and each in a body of its own, make the same columns.
        const inArray = split('json', `[${sources.join(',')}]`, { known })
        expect(inArray.columns).toEqual(lines.columns)
        expect(split('json', sources, { known }).columns).toEqual(lines.columns)
      }),
      { numRuns: 150 },
    )
  })

  it('agree on which lines are readable, whatever was done to their bytes', () => {
    const anyEdit = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:\\0-1.eu \t\rtfn'))),
      how: fc.constantFrom('replace', 'insert', 'remove'),
    })
    const anyLine = fc.tuple(anyRecordSource, fc.array(anyEdit, { maxLength: 2 })).map(([source, edits]) => {
      let line = Buffer.from(source)
      for (const { at, byte, how } of edits) {
        if (line.length === 0 || byte === 0x0a) continue
        const place = at % line.length
        const rest = line.subarray(how === 'insert' ? place : place + 1)
        line = Buffer.concat([line.subarray(0, place), Buffer.from(how === 'remove' ? [] : [byte]), rest])
      }
      return line
    })
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 6 }), anyKnown, (lines, known) => {
        fc.pre(lines.every((line) => hasComparableNumbers(line.toString('latin1'))))
        const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
        fc.pre(!body.subarray(0, 3).equals(Buffer.from('\uFEFF')))
        const result = split('ndjson', body, { known })
        // A blank line is no record, neither good nor bad.
        const records = lines.filter((line) => !/^[ \t\r]*$/.test(line.toString('latin1'))).map(referenceOf)
        expectExact(
          result,
          records.filter((record) => record !== undefined),
        )
        expect(result.rejected.map(({ recordNumber }) => recordNumber)).toEqual(
          records.flatMap((record, index) => (record === undefined ? [index] : [])),
        )
      }),
      { numRuns: 250 },
    )
  })
})

const anyLeaf = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.uint8Array({ maxLength: 20 }),
)

describe('the splitter and @msgpack/msgpack', () => {
  it('agree on every value', () => {
    const anyRecord = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'é'), anyLeaf, { noNullPrototype: true })
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 8 }), anyKnown, (records, known) => {
        const packed = records.map((record) => encode(record, { useBigInt64: true }))
        const decoded = [...decodeMulti(Buffer.concat(packed), { useBigInt64: true })] as Record<string, Packed>[]
        const result = split('msgpack', Buffer.concat(packed), { known })
        expect([result.rows, result.rejected]).toEqual([records.length, []])
        for (const [row, record] of decoded.entries()) {
          for (const [name, value] of Object.entries(record)) expectPacked(result, name, row, value)
        }
        expect(split('msgpack', encode(records, { useBigInt64: true }), { known }).columns).toEqual(result.columns)
      }),
      { numRuns: 150 },
    )
  })
})

type Packed = bigint | number | boolean | string | Uint8Array | null

/** A decoded value as the JSON text that docs/types.md gives it. */
function packedJson(value: Packed): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`
  if (Object.is(value, -0)) return '-0.0'
  return JSON.stringify(value)
}

function expectPacked(result: SplitResult, name: string, row: number, value: Packed): void {
  const column = columnOf(result, name)
  const rescuedColumn = columnOf(result, '_rescued')
  const entries = rescuedColumn === undefined ? null : valueAt(rescuedColumn, row)
  const raw = entries instanceof Map ? (entries as Map<string, string>).get(name) : undefined
  const stored = column === undefined ? null : valueAt(column, row)
  if (value === null) return expect([stored, raw]).toEqual([null, undefined])
  // Strings are compared by what they say, because there are several ways to escape them.
  if (raw !== undefined)
    return expect(typeof value === 'string' ? JSON.parse(raw) : raw).toBe(
      typeof value === 'string' ? value : packedJson(value),
    )
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : undefined
  switch (column?.type.kind) {
    case 'bigint':
      return expect(stored).toBe(BigInt(value as bigint | number | string))
    case 'double':
      return expect(stored).toBe(typeof value === 'number' ? value : Number(value))
    case 'boolean':
      return expect(String(stored)).toBe(String(value))
    case 'varbinary':
      return expect(stored).toBe(bytes?.toString('hex'))
    case 'varchar':
      return expect(stored).toBe(bytes?.toString() ?? (Object.is(value, -0) ? '-0.0' : String(value)))
    case 'json':
      return expect(typeof value === 'string' ? JSON.parse(String(stored)) : stored).toBe(
        typeof value === 'string' ? value : packedJson(value),
      )
    case 'decimal': {
      const [numerator, denominator] = fractionOf(String(value))
      return expect(BigInt(stored as bigint) * denominator).toBe(numerator * 10n ** BigInt(column.type.scale))
    }
    default:
      throw new Error(`the value ${packedJson(value)} is in a column of type ${column?.type.kind}`)
  }
}

describe('bytes that somebody changed', () => {
  const formats = ['json', 'ndjson', 'msgpack'] as const
  const anyPacked = fc.array(
    fc.dictionary(fc.string({ maxLength: 3 }), fc.anything({ maxDepth: 3, withBigInt: false }), { maxKeys: 4 }),
    { maxLength: 4 },
  )
  const anyBody = fc.oneof(
    fc.array(anyRecordSource, { maxLength: 5 }).map((sources) => Buffer.from(sources.join('\n'))),
    fc.array(anyRecordSource, { maxLength: 5 }).map((sources) => Buffer.from(`[${sources.join(',')}]`)),
    anyPacked.map((records) =>
      Buffer.concat(records.map((record) => encode(JSON.parse(JSON.stringify(record)) as unknown))),
    ),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  )
  const anyChanges = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })

  it('never throw, and every byte of a record is in a row or in a rejected record', () => {
    fc.assert(
      fc.property(
        anyBody,
        anyChanges,
        fc.constantFrom(...formats),
        fc.nat(),
        anyKnown,
        (body, changes, format, cut, known) => {
          const bytes = Buffer.from(body)
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
          const kept = bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length)
          const result = split(format, kept, { known })
          expect(result.bodies).toEqual([{ rows: result.rows, rejected: result.rejected.length }])
          const seen: number[] = []
          for (const { byteOffset, raw, recordNumber, detail } of result.rejected) {
            expect(Buffer.from(raw).equals(kept.subarray(byteOffset, byteOffset + raw.length))).toBe(true)
            expect(detail).not.toBe('')
            seen.push(recordNumber)
          }
          expect(seen).toEqual(seen.toSorted((a, b) => a - b))
          for (const column of result.columns) {
            if (column.vector.kind !== 'sparse') expect(column.vector.valid.length).toBe(result.rows)
            for (let row = 0; row < result.rows; row += 1) valueAt(column, row)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
