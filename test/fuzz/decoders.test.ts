import vm from 'node:vm'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { AppError } from '../../src/base/errors.ts'
import { parseForm } from '../../src/base/http/parse-form.ts'
import { csvLines } from '../../src/collect/convert/csv.ts'
import { inflate } from '../../src/collect/convert/inflate.ts'
import { splitLimits } from '../../src/collect/limits.ts'
import { createSplitter } from '../../src/collect/split/split.ts'
import type { SplitFormat } from '../../src/collect/split/splitter.ts'
import { batchesByTable, bareEvents, listedEvents } from '../../src/protocols/events/envelope.ts'
import { decodeBase64, inflated, jsonText } from '../../src/protocols/events/read-text.ts'
import { FrameCutter } from '../../src/protocols/fluent/frame-cutter.ts'
import { BrokenFrame } from '../../src/protocols/fluent/frame.ts'
import { messageOf } from '../../src/protocols/fluent/read-message.ts'
import * as captures from './captures.ts'
import { mutated } from './mutations.ts'

// Every decoder that meets bytes of strangers, fed with what clients really send and with what became of it. Whatever comes, they
// answer or fail as they are meant to; none of them runs on for ever. `BIWA_FUZZ_MINUTES=60` goes on for an hour; a failure prints
// the seed and the bytes.

const decoders = 8
const totalMs =
  process.env['BIWA_FUZZ_MINUTES'] === undefined ? 32_000 : Number(process.env['BIWA_FUZZ_MINUTES']) * 60_000
const eachMs = totalMs / decoders

/** What takes longer for a few kilobytes does not end. V8 ends it, so that the test can tell of which bytes. */
const hangMs = 20_000
const context = vm.createContext({ work: undefined as unknown })
const call = new vm.Script('work()')

function bounded<T>(work: () => T): T {
  context['work'] = work
  return call.runInContext(context, { timeout: hangMs }) as T
}

/** An expected failure is as good as an answer. */
function answersOrRefuses(work: () => void): void {
  try {
    bounded(work)
  } catch (error) {
    if (!(error instanceof AppError) && !(error instanceof BrokenFrame)) throw error
  }
}

const untilTimeIsUp = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: eachMs,
  markInterruptAsFailure: false,
} as const

function fuzz(bytes: fc.Arbitrary<Buffer>, check: (bytes: Buffer) => void): void {
  fc.assert(fc.property(bytes, check), untilTimeIsUp)
}

const timeout = eachMs + hangMs + 30_000

describe('the splitter', () => {
  const splitter = createSplitter()
  const formats: readonly (readonly [SplitFormat, readonly Buffer[]])[] = [
    ['ndjson', captures.ndjson],
    ['json', captures.jsonDocuments],
    ['msgpack', captures.msgpack],
  ]

  it.each(formats)(
    'reads or rejects every record of %s, and has no more of them than bytes',
    (format, examples) => {
      fuzz(mutated(examples), (bytes) => {
        const body = { bytes, format, timeColumn: null, receivedAtUs: 0 }
        const { rows, rejected, bodies } = bounded(() => splitter.split([body], [], splitLimits))
        expect(bodies).toEqual([{ rows, rejected: rejected.length }])
        expect(rows + rejected.length).toBeLessThanOrEqual(bytes.byteLength)
        for (const { byteOffset, raw } of rejected) {
          expect(byteOffset + raw.byteLength).toBeLessThanOrEqual(bytes.byteLength)
        }
      })
    },
    timeout,
  )
})

it(
  'the reader of CSV takes every record apart or rejects it',
  () => {
    fuzz(mutated(captures.csv), (bytes) =>
      answersOrRefuses(() => {
        const lines = csvLines(bytes, ',')
        expect(lines.starts.length + lines.rejected.length).toBeLessThanOrEqual(bytes.byteLength)
      }),
    )
  },
  timeout,
)

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

it(
  'envelopes of events are taken apart or refused, as text and as base64',
  () => {
    fuzz(mutated(captures.events), (bytes) => {
      for (const read of [listedEvents, bareEvents, batchesByTable]) {
        answersOrRefuses(() => void read(jsonText(bytes)))
        answersOrRefuses(() => void read(jsonText(decodeBase64(bytes.toString('base64').slice(1)))))
      }
    })
  },
  timeout,
)

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
