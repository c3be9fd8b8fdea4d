import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { inflate } from '../../collect/convert/inflate.ts'
import { split, valuesOf } from '../../collect/split/testing/split-text.ts'
import { must } from '../../base/errors.ts'
import { BrokenFrame } from './frame.ts'
import { FrameCutter } from './frame-cutter.ts'
import { ackOf } from './message.ts'
import { messageOf } from './read-message.ts'
import { captures } from './testing/captures.ts'
import { pack } from './testing/wire.ts'

describe('what the field sends', () => {
  it.each(captures)('$name', ({ bytes, events, chunk }) => {
    const [frame] = [...new FrameCutter(1 << 20).push(bytes)]
    const message = must(messageOf(must(frame, 'it is one frame')), 'it is no heartbeat')
    expect(message.tag).toBe('app.access')
    expect(ackOf(message)).toEqual(chunk === undefined ? Buffer.alloc(0) : pack({ ack: chunk }))
    const result = split('fluent', inflate(message.entries, message.encoding))
    expect(result.rejected).toEqual([])
    expect(valuesOf(result, 'time')).toEqual([1_700_000_000n, 1_700_000_001n].slice(0, events))
    expect(valuesOf(result, 'path')).toEqual(['/', '/café'].slice(0, events))
    expect(valuesOf(result, 'code')).toEqual([200n, 404n].slice(0, events))
  })

  it('is one of the protocol or ends the connection, whatever happened to its bytes and wherever they were cut', () => {
    const anyChange = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    const anyBytes = fc
      .tuple(
        fc.array(fc.constantFrom(...captures), { minLength: 1, maxLength: 3 }),
        fc.array(anyChange, { maxLength: 4 }),
      )
      .map(([chosen, changes]) => {
        const bytes = Buffer.concat(chosen.map((capture) => capture.bytes))
        for (const [place, value] of changes) bytes[place % bytes.length] = value
        return bytes
      })
    fc.assert(
      fc.property(anyBytes, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 10 }), (bytes, lengths) => {
        const cutter = new FrameCutter(1 << 20)
        let [at, whole] = [0, 0]
        try {
          for (const length of [...lengths, bytes.length]) {
            for (const frame of cutter.push(bytes.subarray(at, at + length))) {
              whole += frame.bytes.length
              const message = messageOf(frame)
              if (message === undefined || message.encoding !== 'identity') continue
              const { rows, rejected, bodies } = split('fluent', message.entries)
              expect([bodies[0]?.rows, bodies[0]?.rejected]).toEqual([rows, rejected.length])
            }
            at = Math.min(at + length, bytes.length)
            expect(whole + cutter.heldBytes).toBe(at)
          }
        } catch (error) {
          if (!(error instanceof BrokenFrame)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('says the nanoseconds that it knows, and what Fluent Bit knows besides', () => {
    const [frame] = [...new FrameCutter(1 << 20).push(must(captures[2], 'it is there').bytes)]
    const message = must(messageOf(must(frame, 'it is one frame')), 'it is no heartbeat')
    const result = split('fluent', message.entries)
    expect(valuesOf(result, 'time_us')).toEqual([1_700_000_000_123_456n, null])
    expect(valuesOf(result, '_metadata')).toEqual([null, '{"otlp":{"severity_number":9}}'])
  })
})
