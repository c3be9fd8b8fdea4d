import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { checkTimezone, CronCache, parseCron } from './cron.ts'
import { localTime } from '../testing/local-time.ts'

const timesOf = (cron: string, timezone: string, from: string, count: number): string[] => {
  const times = parseCron(cron, timezone)
  const found: string[] = []
  let nextMs = times.next(Date.parse(from))
  while (nextMs !== null && found.length < count) {
    found.push(new Date(nextMs).toISOString().slice(0, 16))
    nextMs = times.next(nextMs)
  }
  return found
}

describe('a cron', () => {
  test.each([
    ['*/15 9-10 * * MON-FRI', 'UTC', '2026-01-02T09:40:00Z', ['2026-01-02T09:45', '2026-01-02T10:00']],
    ['0 0 1 * *', 'Asia/Tokyo', '2026-01-15T00:00:00Z', ['2026-01-31T15:00', '2026-02-28T15:00']],
    ['30 0 12 * * *', 'UTC', '2026-01-01T12:00:30Z', ['2026-01-02T12:00', '2026-01-03T12:00']],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['@weekly', 'UTC', '2026-01-01T00:00:00Z', ['2026-01-04T00:00', '2026-01-11T00:00']],
    ['0 12 13 * FRI', 'UTC', '2026-02-01T00:00:00Z', ['2026-02-06T12:00', '2026-02-13T12:00', '2026-02-20T12:00']],
    ['0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', []],
  ])('%s in %s goes on from %s', (cron, timezone, from, expected) => {
    expect(timesOf(cron, timezone, from, expected.length)).toEqual(expected)
  })

  test.each([
    '',
    '* * * *',
    '61 * * * *',
    'a b c d e',
    '@reboot',
    '@yearly',
    '2030-01-01T00:00:00',
    '0 0 0 1 1 * 2099',
  ])('cannot be “%s”', (text) => {
    expect(() => parseCron(text, 'UTC')).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test.each(['Mars/Olympus', '', '+09:00', 'Europe/Berlin; drop'])('knows no time zone “%s”', (timezone) => {
    expect(() => checkTimezone(timezone)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test('never fails but with a sentence', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^([-*/,0-9?LW#A-Z]{1,6} ){4,5}[-*/,0-9?LW#A-Z]{1,6}$/))
    fc.assert(
      fc.property(text, (cron) => {
        try {
          parseCron(cron, 'UTC')
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
        }
      }),
    )
  })

  test('answers from memory what it answers anew', () => {
    const cache = new CronCache()
    const from = Date.parse('2026-03-28T23:30:00Z')
    const times = () => cache.get('0 * * * *', 'Europe/Berlin')
    expect([times().next(from), times().next(from), times().next(from + 3_600_000)]).toEqual(
      [from, from, from + 3_600_000].map((ms) => parseCron('0 * * * *', 'Europe/Berlin').next(ms)),
    )
  })
})

describe('where clocks are changed', () => {
  test.each([
    // Once right after the gap, and of a time that is there twice the first.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['30 2,14 * * *', 'Europe/Berlin', '2026-03-28T22:00:00Z', ['2026-03-29T01:00', '2026-03-29T12:30']],
    ['30 1,2 * * *', 'America/New_York', '2026-11-01T04:00:00Z', ['2026-11-01T05:30', '2026-11-01T07:30']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', ['2026-10-03T15:30', '2026-10-04T15:15']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', ['2026-04-04T14:45', '2026-04-05T15:15']],
    // At every real hour, or quarter.
    ['0 * * * *', 'Europe/Berlin', '2026-03-29T00:30:00Z', ['2026-03-29T01:00', '2026-03-29T02:00']],
    [
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:30:00Z',
      ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ],
    [
      '*/30 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:00:00Z',
      ['2026-04-04T14:30', '2026-04-04T15:00', '2026-04-04T15:30'],
    ],
  ])('%s in %s goes on from %s', (cron, timezone, from, expected) => {
    expect(timesOf(cron, timezone, from, expected.length)).toEqual(expected)
  })

  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata')
  const when = fc.integer({ min: Date.parse('2024-01-01T00:00:00Z'), max: Date.parse('2030-01-01T00:00:00Z') })
  const minute = fc.integer({ min: 0, max: 59 })

  test('a time comes after the moment that was asked for, at the local minute', () => {
    fc.assert(
      fc.property(zone, when, minute, (timezone, afterMs, at) => {
        const nextMs = parseCron(`${at} * * * *`, timezone).next(afterMs) ?? 0
        expect(nextMs).toBeGreaterThan(afterMs)
        expect(nextMs - afterMs).toBeLessThanOrEqual(5_400_000)
        expect(nextMs % 1000).toBe(0)
        expect(localTime(nextMs, timezone).minute).toBe(at)
      }),
    )
  })

  test('a plain time of the day comes once on each local day', () => {
    fc.assert(
      fc.property(zone, when, fc.integer({ min: 0, max: 23 }), minute, (timezone, afterMs, hour, at) => {
        const cron = parseCron(`${at} ${hour} * * *`, timezone)
        const days: string[] = []
        let nextMs = cron.next(afterMs)
        while (nextMs !== null && days.length < 5) {
          days.push(localTime(nextMs, timezone).day)
          nextMs = cron.next(nextMs)
        }
        const dayMs = Date.parse(`${days[0]}T00:00:00Z`)
        expect(days).toEqual(days.map((_, index) => new Date(dayMs + index * 86_400_000).toISOString().slice(0, 10)))
      }),
    )
  })
})
