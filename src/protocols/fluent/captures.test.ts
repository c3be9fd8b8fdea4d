import { describe, expect, it } from 'vitest'

import { inflate } from '../../collect/convert/inflate.ts'
import { split, valuesOf } from '../../collect/split/testing/split-text.ts'
import { must } from '../../base/errors.ts'
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

  it('says the nanoseconds that it knows, and what Fluent Bit knows besides', () => {
    const [frame] = [...new FrameCutter(1 << 20).push(must(captures[2], 'it is there').bytes)]
    const message = must(messageOf(must(frame, 'it is one frame')), 'it is no heartbeat')
    const result = split('fluent', message.entries)
    expect(valuesOf(result, 'time_us')).toEqual([1_700_000_000_123_456n, null])
    expect(valuesOf(result, '_metadata')).toEqual([null, '{"otlp":{"severity_number":9}}'])
  })
})
