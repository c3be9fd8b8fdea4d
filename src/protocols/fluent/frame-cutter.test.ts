import { decode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { FrameCutter } from './frame-cutter.ts'
import type { Frame } from './frame.ts'
import { BrokenFrame } from './frame.ts'
import { bytes, pack } from './testing/wire.ts'

const frameBytesMax = 1 << 20

/** Feeds the bytes in pieces of these lengths, and the rest at last. */
function cut(whole: Buffer, lengths: readonly number[], cutter = new FrameCutter(frameBytesMax)): Frame[] {
  const frames: Frame[] = []
  let at = 0
  for (const length of [...lengths, whole.byteLength]) {
    const piece = whole.subarray(at, at + length)
    at += piece.byteLength
    // A socket’s buffers are not the door’s: what it keeps must not change with them.
    frames.push(...cutter.push(Buffer.from(piece)))
  }
  return frames
}

const anyValue = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.integer(),
  fc.double(),
  fc.constant(null),
  fc.array(fc.dictionary(fc.string({ maxLength: 5 }), fc.array(fc.integer(), { maxLength: 20 })), { maxLength: 5 }),
)
const anyMessage = fc.oneof(fc.array(anyValue, { minLength: 1, maxLength: 5 }), fc.constant(null))
const anyLengths = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 40 })

describe('frames of MessagePack', () => {
  it('are found wherever the pieces end, with the places of their elements', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 6 }), anyLengths, (messages, lengths) => {
        const encoded = messages.map(pack)
        const frames = cut(Buffer.concat(encoded), lengths)
        expect(frames.map((frame) => frame.bytes.toString('hex'))).toEqual(encoded.map((one) => one.toString('hex')))
        for (const [index, { bytes: frame, starts }] of frames.entries()) {
          const message = messages[index] ?? []
          const elements = starts.map((start, place) => decode(frame.subarray(start, starts[place + 1])))
          expect(elements).toEqual(message.map((value) => decode(pack(value))))
        }
      }),
    )
  })

  it('are no deeper for the door than for a bomb: nesting costs no memory', () => {
    const bomb = bytes('93', pack('t'), Buffer.alloc(900_000, 0x91), '01', pack({}))
    const [frame] = cut(bomb, [100, 1000])
    expect(frame?.bytes.byteLength).toBe(bomb.byteLength)
  })

  it('end the connection when a length lies, before its bytes come', () => {
    for (const lie of ['93 a174 c6 7fffffff', '93 a174 dd ffffffff', '92 df ffffffff', '93 a174 db 00100000']) {
      expect(() => cut(bytes(lie), [])).toThrow(/larger than the limit/)
    }
    expect(() => cut(bytes('dc ffff'), [])).toThrow(/array of 65535/)
    expect(() => cut(bytes('81 a161 01'), [])).toThrow(/no array/)
    expect(() => cut(bytes('93 c1'), [])).toThrow(/0xC1/)
  })

  it('give what came before the broken one', () => {
    const cutter = new FrameCutter(frameBytesMax)
    const seen: Frame[] = []
    const push = (): void => {
      for (const frame of cutter.push(bytes(pack(['a', 1, {}]), 'c1'))) seen.push(frame)
    }
    expect(push).toThrow(BrokenFrame)
    expect(seen.length).toBe(1)
  })

  it('take little more memory than has come, whatever they announce', () => {
    const cutter = new FrameCutter(frameBytesMax)
    expect([...cutter.push(bytes('93 a174 c6 000f0000 0000'))]).toEqual([])
    expect(cutter.heldBytes).toBe(10)
    expect([...cutter.push(Buffer.alloc(0xf_0000 - 2))]).toEqual([])
    const [frame] = [...cutter.push(Buffer.from([0x80]))]
    expect(frame?.bytes.byteLength).toBe(8 + 0xf_0000 + 1)
    expect(cutter.heldBytes).toBe(0)
  })
})

describe('frames of JSON', () => {
  const anyJson = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 5 })
  const anyGap = fc.constantFrom('', '\n', ' \r\n')

  it('are found wherever the pieces end, with the places of their elements', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyJson, anyGap), { minLength: 1, maxLength: 5 }), anyLengths, (all, lengths) => {
        const text = all.map(([message, gap]) => JSON.stringify(message, null, gap === '' ? 0 : 1) + gap).join('')
        const frames = cut(Buffer.from(text), lengths).filter(({ bytes: frame }) => frame[0] === 0x5b)
        expect(frames.map(({ bytes: frame }) => JSON.parse(frame.toString()) as unknown)).toEqual(
          all.map(([message]) => JSON.parse(JSON.stringify(message)) as unknown),
        )
        for (const [index, { starts, serialization }] of frames.entries()) {
          expect(serialization).toBe('json')
          expect(starts.length).toBe(all[index]?.[0].length)
        }
      }),
    )
  })

  it('end the connection when they are none, or too large', () => {
    expect(() => cut(Buffer.from('{"tag":1}'), [])).toThrow(/no array/)
    expect(() => cut(Buffer.from(`["${'x'.repeat(frameBytesMax)}`), [])).toThrow(/larger than the limit/)
    expect(() => cut(Buffer.from(`[${'1,'.repeat(40)}`), [])).toThrow(/long array/)
  })
})
