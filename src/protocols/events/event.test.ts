import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { readEvent } from './event.ts'
import type { Surroundings } from './event.ts'
import { valueOf } from '../../base/json-text.ts'

const now = 1_700_000_000
const around: Surroundings = {
  receivedSeconds: now,
  known: (name) => ({ td_ip: '192.0.2.7', td_ua: null })[name],
  added: [],
  time: undefined,
  hasUuid: false,
  hasRecordTime: false,
  hasKeen: false,
}

function read(event: string | object, more: Partial<Surroundings> = {}): { record: unknown; uuid: string | undefined } {
  const text = typeof event === 'string' ? event : JSON.stringify(event)
  const { json, uuid } = readEvent(text, valueOf(text), { ...around, ...more })
  return { record: JSON.parse(json), uuid }
}

describe('an event', () => {
  it('goes on as it came, with all digits', () => {
    const text = String.raw`{ "id" : 12345678901234567890, "pi": 3.10, "n": {"a\\":[1, 2]}, "td_title":"td_ip" }`
    expect(readEvent(text, valueOf(text), around).json).toBe(
      String.raw`{"id":12345678901234567890,"pi":3.10,"n":{"a\\":[1, 2]},"td_title":"td_ip"}`,
    )
  })

  it('is what it was, where it asks for nothing', () => {
    const names = fc.string().filter((name) => !['#UUID', '#SSUT', '__proto__'].includes(name))
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), (record) => {
        expect(read(record).record).toEqual(JSON.parse(JSON.stringify(record)))
      }),
    )
  })

  it('gets from the server what it asks for by its name', () => {
    expect(read({ td_ip: 'td_ip', td_ua: 'td_ua', td_x: 'td_x', td_title: 'td_ip' }).record).toEqual({
      td_ip: '192.0.2.7',
      td_ua: null,
      td_x: 'td_x',
      td_title: 'td_ip',
    })
    expect(read({ a: 1 }, { added: ['td_ip'] }).record).toEqual({ a: 1, td_ip: '192.0.2.7' })
    expect(read({ td_ip: '10.0.0.1' }, { added: ['td_ip'] }).record).toEqual({ td_ip: '10.0.0.1' })
  })

  it.each([[[1]], ['text'], [null], [7]])('is an object, not %j', (value) => {
    expect(() => read(JSON.stringify(value))).toThrow('not an object')
  })

  it('is not larger than a mebibyte, counted in bytes', () => {
    expect(() => read({ a: 'ä'.repeat(600_000) })).toThrow('larger than the limit')
    expect(read({ a: 'a'.repeat(600_000) }).uuid).toBeUndefined()
  })
})

describe('the id of an event', () => {
  it('is in #UUID, which is no column', () => {
    expect(read({ a: 1, '#UUID': 'B8A4-1' })).toEqual({ record: { a: 1 }, uuid: 'B8A4-1' })
  })

  it('is in uuid, where the sender is an app', () => {
    expect(read({ uuid: 'B8A4-1' }, { hasUuid: true })).toEqual({ record: { uuid: 'B8A4-1' }, uuid: 'B8A4-1' })
    expect(read({ uuid: 'visitor-7' }).uuid).toBeUndefined()
  })

  it.each([7, '', 'a b', 'x'.repeat(129), { a: 1 }, 'ü'])('is not %j', (uuid) => {
    expect(read({ uuid }, { hasUuid: true }).uuid).toBeUndefined()
  })
})

describe('the time of an event', () => {
  const keen = { timestamp: '2023-11-14T22:13:20.500Z' }

  it('is its own, that of the request, or none', () => {
    expect(read({ time: 5 }, { time: '7' }).record).toEqual({ time: 5 })
    expect(read({ a: 1 }, { time: '7' }).record).toEqual({ a: 1, time: '7' })
    expect(read({ a: 1 }).record).toEqual({ a: 1 })
  })

  it('is that in keen, where SDKs put it there', () => {
    expect(read({ keen }, { hasKeen: true }).record).toEqual({ time: 1_700_000_000.5 })
    expect(read({ keen, '#UUID': 'a' }).record).toEqual({ time: 1_700_000_000.5 })
    expect(read({ keen: { timestamp: 'Tue, 14 Nov 2023 22:13:20 GMT' } }, { hasKeen: true }).record).toEqual({
      time: 1_700_000_000,
    })
    expect(read({ keen, time: 3 }, { hasKeen: true }).record).toEqual({ time: 3 })
    expect(read({ keen }).record).toEqual({ keen })
    expect(read({ keen: { timestamp: 'never' } }, { hasKeen: true }).record).toEqual({})
  })

  it('is that of receipt for #SSUT, or a column gets it', () => {
    for (const asked of [true, 1, 'true']) expect(read({ '#SSUT': asked, time: 3 }).record).toEqual({})
    expect(read({ '#SSUT': 'uploaded', time: 3 }).record).toEqual({ time: 3, uploaded: now })
    for (const not of [false, 0, null, '']) expect(read({ '#SSUT': not, time: 3 }).record).toEqual({ time: 3 })
  })

  it('is td_record_time, not too far from now', () => {
    const day = 86_400
    const timeOf = (value: unknown) => read({ td_record_time: value }, { hasRecordTime: true }).record
    for (const time of [now, now - 7 * day, now + 3 * day]) {
      expect(timeOf(time)).toEqual({ time })
      expect(timeOf(String(time))).toEqual({ time })
    }
    for (const not of [now - 7 * day - 1, now + 3 * day + 1, 'soon', '', null, {}]) expect(timeOf(not)).toEqual({})
    expect(read({ td_record_time: 1 }).record).toEqual({ td_record_time: 1 })
  })
})
