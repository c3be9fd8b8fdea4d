import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { AppError } from '../../src/base/errors.ts'
import { parseForm } from '../../src/base/http/parse-form.ts'
import { inflate } from '../../src/collect/convert/inflate.ts'
import { splitLimits } from '../../src/collect/limits.ts'
import { createSplitter } from '../../src/collect/split/split.ts'
import { listedEvents } from '../../src/protocols/events/envelope.ts'
import { inflated, jsonText } from '../../src/protocols/events/read-text.ts'
import { FrameCutter } from '../../src/protocols/fluent/frame-cutter.ts'
import { messageOf } from '../../src/protocols/fluent/read-message.ts'
import * as captures from './captures.ts'
import { mutated } from './mutations.ts'
import { answersOrRefuses, bounded, timeout, untilTimeIsUp } from './until-time-is-up.ts'

// What stands around records: forms, messages of the forward protocol, compressions; and bombs of every kind.

it(
  'parameters are read or refused, in all three encodings',
  async () => {
    const form = fc.constantFrom(...captures.forms).chain(({ type, body }) => {
      return mutated([body]).map((bytes) => ({ type, bytes }))
    })
    const property = fc.asyncProperty(form, async ({ type, bytes }) => {
      const outcome = await parseForm(type, bytes).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(AppError)
    })
    await fc.assert(property, untilTimeIsUp)
  },
  timeout,
)

describe('the forward protocol', () => {
  let messages: readonly Buffer[]
  beforeAll(async () => {
    messages = await captures.forwardCaptures()
  })

  it(
    'cuts and reads messages in any pieces, and holds no more than came',
    () => {
      const pieces = fc.tuple(mutated(messages), fc.integer({ min: 1, max: 300 }))
      const property = fc.property(pieces, ([bytes, length]) =>
        answersOrRefuses(() => {
          const cutter = new FrameCutter(1 << 20)
          for (let at = 0; at < bytes.byteLength; at += length) {
            for (const frame of cutter.push(Buffer.from(bytes.subarray(at, at + length)))) messageOf(frame)
            expect(cutter.heldBytes).toBeLessThanOrEqual(bytes.byteLength)
          }
        }),
      )
      fc.assert(property, untilTimeIsUp)
    },
    timeout,
  )

  it('entries are records, or rejected', () => {
    const splitter = createSplitter()
    const body = (bytes: Buffer) => ({ bytes, format: 'fluent' as const, timeColumn: null, receivedAtUs: 0 })
    fc.assert(
      fc.property(mutated(messages), (bytes) => {
        const { rows, rejected, bodies } = bounded(() => splitter.split([body(bytes)], [], splitLimits))
        expect(bodies).toEqual([{ rows, rejected: rejected.length }])
      }),
      { numRuns: 300 },
    )
  })
})

const compressions = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
] as const

it(
  'what cannot be inflated is refused',
  async () => {
    const plain = Buffer.from('{"a":1}\n'.repeat(200))
    const some = fc.constantFrom(...compressions).chain(([encoding, compress]) => {
      return mutated([compress(plain), zstdBomb(2)]).map((bytes) => ({ encoding, bytes }))
    })
    const property = fc.asyncProperty(some, async ({ encoding, bytes }) => {
      for (const each of [encoding, 'zstd'] as const) answersOrRefuses(() => void inflate(bytes, each))
      const outcome = await inflated(bytes, encoding).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(AppError)
    })
    await fc.assert(property, untilTimeIsUp)
  },
  timeout,
)

/** A frame of Zstandard (RFC 8878 §3.1.1) of blocks that each say: 128 KiB of one byte. */
function zstdBomb(blocks: number): Buffer {
  const frame = [Buffer.from('28b52ffd0058', 'hex')]
  for (let block = 1; block <= blocks; block += 1) {
    const header = Buffer.alloc(4)
    header.writeUIntLE((131_072 << 3) | (1 << 1) | (block === blocks ? 1 : 0), 0, 3)
    frame.push(header)
  }
  return Buffer.concat(frame)
}

describe('bombs', () => {
  const zeroes = Buffer.alloc(200 << 20)
  const compressed = (encoding: string, bomb: Buffer) => [encoding, bomb] as const
  const bombs = [
    ...compressions.map(([encoding, compress]) => compressed(encoding, compress(compress(zeroes)))),
    ...compressions.map(([encoding, compress]) => compressed(encoding, compress(zeroes))),
    compressed('zstd', zstdBomb(8000)),
  ]

  it.each(bombs)('of %s cost no memory worth speaking of', (encoding, bomb) => {
    const before = process.memoryUsage()
    let biggest = 0
    answersOrRefuses(() => (biggest = inflate(bomb, encoding as 'gzip').byteLength))
    const after = process.memoryUsage()
    const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed
    // As large as honest data of this size may become, and no larger.
    const allowed = Math.max(10 << 20, 1000 * bomb.byteLength)
    expect(biggest).toBeLessThanOrEqual(allowed)
    expect(grown).toBeLessThan(2 * allowed + (64 << 20))
  })

  it.each([
    ['json', Buffer.from('['.repeat(1 << 20))],
    ['json', Buffer.from('{"a":'.repeat(1 << 18))],
    ['ndjson', Buffer.from(`{"a":${'['.repeat(1 << 20)}`)],
    ['msgpack', Buffer.alloc(1 << 20, 0x91)],
    ['msgpack', Buffer.from(`81a161${'9191'.repeat(1 << 18)}`, 'hex')],
    ['msgpack', Buffer.from('dfffffffff', 'hex')],
    ['fluent', Buffer.alloc(1 << 20, 0x92)],
  ] as const)('of nesting and of lengths that lie are rejected in %s', (format, bytes) => {
    const body = { bytes, format, timeColumn: null, receivedAtUs: 0 }
    const { rows, rejected } = bounded(() => createSplitter().split([body], [], splitLimits))
    expect(rows).toBe(0)
    expect(rejected.length).toBeGreaterThan(0)
  })

  it('of nesting end in a refusal of forms and of events', async () => {
    const deep = Buffer.from(`{"events":${'['.repeat(1 << 20)}`)
    answersOrRefuses(() => void listedEvents(jsonText(deep)))
    await expect(parseForm('application/json', deep)).rejects.toBeInstanceOf(AppError)
  })
})
