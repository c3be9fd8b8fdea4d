import { gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { FrameCutter } from './frame-cutter.ts'
import { BrokenFrame } from './frame.ts'
import { ackOf } from './message.ts'
import type { Message } from './message.ts'
import { messageOf } from './read-message.ts'
import { bin32, bytes, entry, eventTime, fluentdMessage, pack, str32 } from './testing/wire.ts'
import { uniqueIdOf } from './unique-id.ts'

function read(whole: Uint8Array): (Message | undefined)[] {
  return [...new FrameCutter(1 << 20).push(Buffer.from(whole))].map(messageOf)
}

const one = entry(eventTime(1_700_000_000, 5), { a: 1 })
const two = entry(1_700_000_001, { a: 2 })

describe('messages', () => {
  it('are of four modes, and their entries are passed on as they came', () => {
    const entries = bytes(one, two)
    const gzip = gzipSync(entries)
    const messages = read(
      bytes(
        bytes('93', pack('app.log'), one.subarray(1)),
        bytes('94', pack('app.log'), one.subarray(1), pack({ chunk: 'c1' })),
        bytes('93', pack('app.log'), bytes('92', entries), pack({ size: 2 })),
        bytes('92', pack('app.log'), bin32(entries)),
        bytes('93', pack('app.log'), str32(entries), pack({ size: 2, chunk: 'c2', fluent_signal: 0 })),
        bytes('93', pack('app.log'), bin32(gzip), pack({ compressed: 'gzip' })),
        bytes('93', pack('app.log'), bin32(gzip), pack({ compressed: 'zstd', chunk: null })),
        bytes('93', pack('app.log'), bin32(entries), pack({ compressed: 'text' })),
        bytes('93', pack('app.log'), bin32(entries), 'c0'),
      ),
    )
    expect(messages.map((message) => message?.entries.toString('hex'))).toEqual(
      [one, one, entries, entries, entries, gzip, gzip, entries, entries].map((body) => body.toString('hex')),
    )
    expect(messages.map((message) => message?.encoding)).toEqual([
      'identity',
      'identity',
      'identity',
      'identity',
      'identity',
      'gzip',
      'zstd',
      'identity',
      'identity',
    ])
    expect(messages.map((message) => message?.chunk?.toString('hex'))).toEqual([
      undefined,
      'a26331',
      undefined,
      undefined,
      'a26332',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(messages.every((message) => message?.tag === 'app.log')).toBe(true)
  })

  it('keep the bytes of entries that Fluentd sends as str, which are no text', () => {
    const entries = bytes(entry(eventTime(1_700_000_000, 999_999_999), { bytes: 'é' }), '92 d700 ff80feff 00000000 80')
    const [message] = read(fluentdMessage('t', entries, { size: 2 }))
    expect(message?.entries.equals(entries)).toBe(true)
  })

  it('are heartbeats where they are nil', () => {
    expect(read(bytes('c0', 'c0', '93', pack('t'), one.subarray(1))).map((message) => message?.tag)).toEqual([
      undefined,
      undefined,
      't',
    ])
  })

  it('are acknowledged with the chunk as it was encoded', () => {
    const [text, binary] = read(
      bytes(
        fluentdMessage('t', one, { chunk: 'ZGVmZw==\n' }),
        bytes('93', pack('t'), bin32(one), bytes('81', pack('chunk'), 'c4 03 000102')),
      ),
    ) as [Message, Message]
    expect(ackOf(text)).toEqual(pack({ ack: 'ZGVmZw==\n' }))
    expect(ackOf(binary)).toEqual(bytes('81', pack('ack'), 'c4 03 000102'))
  })

  it('may be JSON, whose numbers keep their digits, and are answered in it', () => {
    const text = '["a.b", [[1700000000, {"n": 12345678901234567890}], [0,{}]], {"chunk": "x"}]\n["a", 5, {"k":"],"} ]'
    const [forward, , single] = read(Buffer.from(text))
    expect(forward?.entries.toString()).toBe('[[1700000000, {"n": 12345678901234567890}], [0,{}]]')
    expect(ackOf(forward as Message).toString()).toBe('{"ack":"x"}')
    expect(single?.entries.toString()).toBe('[[5,{"k":"],"}]]')
    expect(single?.tag).toBe('a')
  })

  it('fail by themselves when they are none, whatever bytes they are made of', () => {
    const wrong = [
      pack([]),
      pack(['t']),
      pack([1, 2, {}]),
      pack(['t', 1]),
      pack(['t', [], 5]),
      pack(['t', Buffer.alloc(0), { compressed: 'lz4' }]),
      pack(['t', Buffer.alloc(0), { compressed: 5 }]),
      bytes('93', pack('t'), bin32(one), '81 01 02'),
      pack(['x'.repeat(2000), Buffer.alloc(0)]),
    ]
    for (const message of wrong.slice(1)) expect(() => read(message)).toThrow(BrokenFrame)
    expect(read(pack([]))).toEqual([undefined])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          for (const message of read(bytes('94', noise))) expect(message?.tag).toBeTypeOf('string')
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenFrame)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('unique ids', () => {
  const anyChunk = fc.oneof(
    fc.string({ maxLength: 40 }).map(pack),
    fc.uint8Array({ maxLength: 40 }).map(pack),
    fc.base64String({ minLength: 4 }).map((text) => pack(`${text}\n`)),
  )
  const anyTag = fc.string({ unit: fc.constantFrom('a', ':', '%', '.', 'é', '!'), maxLength: 6 })

  it('are readable, printable, and differ where the tag or the chunk does', () => {
    expect(uniqueIdOf({ tag: 'app.log', chunk: pack('ZGVmZw==\n') })).toBe('fluent:app.log:ZGVmZw==%0a')
    expect(uniqueIdOf({ tag: 'app.log', chunk: undefined })).toBeNull()
    fc.assert(
      fc.property(anyTag, anyChunk, anyTag, anyChunk, (tag, chunk, otherTag, otherChunk) => {
        const id = uniqueIdOf({ tag, chunk })
        expect(id).toMatch(/^fluent(?:-sha256)?:[\x21-\x7e]*$/)
        expect(id === uniqueIdOf({ tag: otherTag, chunk: otherChunk })).toBe(
          tag === otherTag && chunk.equals(otherChunk),
        )
      }),
    )
  })

  it('are short enough, however long the chunk is', () => {
    const long = (last: string) => uniqueIdOf({ tag: 't', chunk: pack('x'.repeat(1000) + last) })
    expect(long('a')?.length).toBeLessThan(255)
    expect(long('a')).not.toBe(long('b'))
  })
})
