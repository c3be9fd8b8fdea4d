import { Encoder, ExtensionCodec, decodeMulti, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { columnOf, kindsOf, receivedAtUs, rescuedOf, split, valuesOf } from './testing/split-text.ts'

const bytes = (...parts: (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)))

const pack = (value: unknown): Uint8Array => encode(value, { useBigInt64: true })
const record = pack({ v: 1 })
/** An entry whose time is given in hexadecimal. */
const at = (time: string | Uint8Array, of: Uint8Array = record): Buffer => bytes('92', time, of)

const reasonsOf = (result: ReturnType<typeof split>) =>
  result.rejected.map(({ recordNumber, reason, byteOffset }) => [recordNumber, reason, byteOffset])

const received = BigInt(receivedAtUs / 1e6)

describe('entries of the forward protocol', () => {
  it('have their time beside the record: whole seconds, or an EventTime in either encoding', () => {
    const body = bytes(
      at('ce 6553f100'),
      at('d7 00 6553f100 075bcd15'),
      at('c7 08 00 6553f100 1dcd6500'),
      at('cb 41d954fc4007ae14'),
    )
    const result = split('fluent', body)
    expect(result.rejected).toEqual([])
    expect(valuesOf(result, 'time')).toEqual([1_700_000_000n, 1_700_000_000n, 1_700_000_000n, 1_700_000_000n])
    expect(valuesOf(result, 'time_us').slice(0, 3)).toEqual([null, 1_700_000_000_123_456n, 1_700_000_000_500_000n])
    expect(valuesOf(result, 'v')).toEqual([1n, 1n, 1n, 1n])
  })

  it('are of the time of receipt where they say 0 or nothing', () => {
    const result = split('fluent', bytes(at('00'), at('c0'), at('d7 00 00000000 00000000'), at('cf 0000000000000000')))
    expect(result.rejected).toEqual([])
    expect(valuesOf(result, 'time')).toEqual([received, received, received, received])
  })

  it('keep the key `time` of a record apart, or take the time from the key that the sender names', () => {
    const body = at('ce 6553f100', pack({ time: 5, ts: 1_600_000_123, v: 1 }))
    const beside = split('fluent', body)
    expect(valuesOf(beside, 'time')).toEqual([1_700_000_000n])
    expect(rescuedOf(beside, 'time')).toEqual(['5'])
    const inside = split('fluent', bytes(body, at('ce 6553f100')), { timeColumn: 'ts' })
    expect(valuesOf(inside, 'time')).toEqual([1_600_000_123n, 1_700_000_000n])
  })

  it('may carry metadata of Fluent Bit, which has a column where there is something in it', () => {
    const time = 'd7 00 6553f100 00000000'
    const empty = bytes('92', at(time, pack({})), record)
    const full = bytes('92', at(time, pack({ host: 'a' })), record)
    const result = split('fluent', bytes(empty, full, bytes('92', at(time, pack(null)), record)))
    expect(result.rejected).toEqual([])
    expect(valuesOf(result, '_metadata')).toEqual([null, '{"host":"a"}', null])
    expect(kindsOf(result)).toEqual({ _metadata: 'json', v: 'bigint' })
  })

  it('leave their neighbours alone when they are none: the whole entry is rejected with its reason', () => {
    const good = at('01')
    const bad = [
      pack(5),
      bytes('91 01'),
      bytes('93 01', record, '80'),
      at('01', pack('text')),
      at(pack('soon')),
      at(pack({})),
      at('d7 05 0000000000000000'),
      at('01', bytes('82 a161 01 a161 02')),
      at('01', bytes('81 a161 a2c328')),
      bytes('92', at('d7 00 ffffffff 00000000', pack({})), pack({ group: 1 })),
      bytes('92', at('01', pack({ a: 1 })), pack({ _metadata: 1 })),
    ]
    const result = split('fluent', bytes(good, ...bad.flatMap((entry) => [entry, good])))
    expect(result.rejected.map(({ reason }) => reason)).toEqual([
      'not_an_object',
      'not_an_object',
      'not_an_object',
      'not_an_object',
      'time',
      'time',
      'time',
      'duplicate_key',
      'utf8',
      'time',
      'duplicate_key',
    ])
    expect(result.rejected.map(({ raw }) => Buffer.from(raw).toString('hex'))).toEqual(
      bad.map((entry) => Buffer.from(entry).toString('hex')),
    )
    expect(result.rows).toBe(bad.length + 1)
  })

  it('end where the encoding is broken: the rest is one rejected record', () => {
    const good = at('01')
    expect(reasonsOf(split('fluent', bytes(good, '92 01 81 a161 c1', good)))).toEqual([[1, 'msgpack_syntax', 6]])
    expect(reasonsOf(split('fluent', bytes(good, '92 01')))).toEqual([[1, 'truncated', 6]])
    expect(reasonsOf(split('fluent', bytes('dd ffffffff')))).toEqual([[0, 'truncated', 0]])
    expect(split('fluent', '').bodies).toEqual([{ rows: 0, rejected: 0 }])
  })

  it('may be as deep as records may, and are rejected beyond', () => {
    const nested = (levels: number): Buffer => bytes('81 a176', Buffer.alloc(levels - 1, 0x91), '01')
    const result = split('fluent', bytes(at('01', nested(64)), at('01', nested(65)), at('01')))
    expect(reasonsOf(result)).toEqual([[1, 'depth', 69]])
    expect(result.rows).toBe(2)
  })
})

describe('entries in JSON', () => {
  it('have their time beside the record, and every digit', () => {
    const result = split('fluent', '[[1700000000.5, {"n": 9007199254740993}], [0,{"n":2}], [null,{"n":3} ] ]\n')
    expect(result.rejected).toEqual([])
    expect(valuesOf(result, 'time')).toEqual([1_700_000_000n, received, received])
    expect(valuesOf(result, 'time_us')).toEqual([1_700_000_000_500_000n, null, null])
    expect(valuesOf(result, 'n')).toEqual([9_007_199_254_740_993n, 2n, 3n])
    expect(split('fluent', '[]').bodies).toEqual([{ rows: 0, rejected: 0 }])
  })

  it('leave their neighbours alone when they are none', () => {
    const result = split('fluent', '[[1,{"n":1}],[1],["soon",{}],[[1],{}],[1,[2]],[1,{"n":2},3],{},[1,{"n":3}]]')
    expect(result.rejected.map(({ reason, raw }) => [reason, Buffer.from(raw).toString()])).toEqual([
      ['json_syntax', '[1]'],
      ['time', '["soon",{}]'],
      ['time', '[[1],{}]'],
      ['not_an_object', '[1,[2]]'],
      ['json_syntax', '[1,{"n":2},3]'],
      ['not_an_object', '{}'],
    ])
    expect(valuesOf(result, 'n')).toEqual([1n, 3n])
  })

  it('end where there is no telling where the next one begins', () => {
    expect(reasonsOf(split('fluent', '[[1,{"n":1}] [1,{}]]'))).toEqual([[1, 'json_syntax', 13]])
    expect(reasonsOf(split('fluent', '[[1,{"n":1}], 5, [1,{}]]'))).toEqual([[1, 'not_an_object', 14]])
    expect(reasonsOf(split('fluent', '[[1,{"n":1}'))).toEqual([[0, 'truncated', 1]])
    expect(reasonsOf(split('fluent', '[[1,{"n":1}]'))).toEqual([[1, 'truncated', 12]])
    expect(reasonsOf(split('fluent', '[[1,{"n":1}]] x'))).toEqual([[1, 'json_syntax', 14]])
  })
})

/** An EventTime as its type and eight bytes. */
class EventTime {
  readonly seconds: number
  readonly nanoseconds: number
  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds
    this.nanoseconds = nanoseconds
  }
}

const extensions = new ExtensionCodec()
extensions.register({
  type: 0,
  encode(value) {
    if (!(value instanceof EventTime)) return null
    const payload = new DataView(new ArrayBuffer(8))
    payload.setUint32(0, value.seconds)
    payload.setUint32(4, value.nanoseconds)
    return new Uint8Array(payload.buffer)
  },
  decode(data) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    return new EventTime(view.getUint32(0), view.getUint32(4))
  },
})

const anyTime = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 32 - 3 }),
  fc.constantFrom(0, null),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 32 - 3 }), fc.integer({ min: 0, max: 999_999_999 }))
    .map((parts) => new EventTime(...parts)),
)
const anyRecord = fc.dictionary(
  fc.constantFrom('a', 'b', 'message', 'time'),
  fc.oneof(fc.string(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.boolean(), fc.constant(null)),
  { maxKeys: 4 },
)
const anyEntry = fc.tuple(
  fc.oneof(
    { weight: 3, arbitrary: anyTime },
    { weight: 1, arbitrary: fc.tuple(anyTime, fc.constantFrom({}, { x: 1 })) },
  ),
  anyRecord,
)

describe('entries beside those of a plain decoder', () => {
  const encoder = new Encoder({ extensionCodec: extensions, useBigInt64: true })
  const encoded = (entries: readonly unknown[]): Buffer =>
    Buffer.concat(entries.map((entry) => Buffer.from(encoder.encode(entry))))

  it('say the same times and values', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 12 }), (entries) => {
        const body = encoded(entries)
        const known = ['a', 'b', 'message'].map((name) => ({ name, type: { kind: 'json' } as const }))
        const result = split('fluent', body, { known })
        const plain = [...decodeMulti(body, { extensionCodec: extensions, useBigInt64: true })] as [unknown, object][]
        expect(result.rejected).toEqual([])
        expect(result.rows).toBe(plain.length)
        for (const [row, [stamp, values]] of plain.entries()) {
          const time = Array.isArray(stamp) ? (stamp[0] as unknown) : stamp
          const [seconds, nanoseconds] = partsOf(time)
          const micros = Math.floor(nanoseconds / 1000)
          expect(valuesOf(result, 'time')[row]).toBe(BigInt(seconds))
          expect(valuesOf(result, 'time_us')[row]).toBe(
            micros === 0 ? null : BigInt(seconds) * 1_000_000n + BigInt(micros),
          )
          for (const { name } of known) expect(valuesOf(result, name)[row]).toBe(jsonOf(values, name))
          expect(columnOf(result, 'time')).toBeDefined()
        }
      }),
    )
  })

  it('are all in rows or rejected, whatever was done to their bytes', () => {
    const anyChange = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 6 }), fc.array(anyChange, { maxLength: 6 }), (entries, changes) => {
        const body = encoded(entries)
        for (const [place, value] of changes) if (body.length > 0) body[place % body.length] = value
        const result = split('fluent', body)
        expect(result.bodies[0]?.rows).toBe(result.rows)
        expect(result.bodies[0]?.rejected).toBe(result.rejected.length)
        let last = -1
        for (const { byteOffset, raw } of result.rejected) {
          expect(byteOffset).toBeGreaterThan(last)
          expect(Buffer.from(raw)).toEqual(body.subarray(byteOffset, byteOffset + raw.length))
          last = byteOffset + raw.length - 1
        }
      }),
    )
  })
})

function partsOf(time: unknown): [seconds: number, nanoseconds: number] {
  if (time instanceof EventTime) return [time.seconds, time.nanoseconds]
  const seconds = Number(time ?? 0)
  return [seconds === 0 ? Number(received) : seconds, 0]
}

/** The value as JSON text; big numbers keep their digits. */
function jsonOf(values: object, name: string): string | null {
  const value = (values as Record<string, unknown>)[name]
  if (value === undefined || value === null) return null
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
