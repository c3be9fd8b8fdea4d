import fc from 'fast-check'
import { expect, test } from 'vitest'

import { planFiring } from './catch-up.ts'
import { parseCron } from './cron.ts'

const at = (text: string) => Date.parse(`2026-01-01T${text}Z`)
const hourly = parseCron('0 * * * *', 'UTC')
const minutely = parseCron('* * * * *', 'UTC')
const plan = { dueMs: at('01:00:00'), timesMax: 100 }

test('what is due is fired, and goes on with the next time, whatever the policy', () => {
  for (const catchUp of ['all', 'last', 'skip'] as const) {
    const planned = planFiring(hourly, { ...plan, catchUp, nowMs: at('01:00:00') + 20 })
    expect(planned).toEqual({ timesMs: [at('01:00:00')], nextMs: at('02:00:00') })
  }
})

test('“all” fires everything that passed, so many at once', () => {
  const late = { ...plan, catchUp: 'all', nowMs: at('04:30:00') } as const
  const times = ['01:00:00', '02:00:00', '03:00:00', '04:00:00'].map(at)
  expect(planFiring(hourly, late)).toEqual({ timesMs: times, nextMs: at('05:00:00') })
  expect(planFiring(hourly, { ...late, timesMax: 2 })).toEqual({ timesMs: times.slice(0, 2), nextMs: times[2] })
})

test('“last” fires the last time only', () => {
  const planned = planFiring(hourly, { ...plan, catchUp: 'last', nowMs: at('04:30:00') })
  expect(planned).toEqual({ timesMs: [at('04:00:00')], nextMs: at('05:00:00') })
})

test('“skip” passes over what is older than a minute', () => {
  const planned = planFiring(minutely, { ...plan, catchUp: 'skip', nowMs: at('04:30:30') })
  expect(planned).toEqual({ timesMs: [at('04:30:00')], nextMs: at('04:31:00') })
  const exactly = planFiring(minutely, { ...plan, catchUp: 'skip', nowMs: at('04:31:00') })
  expect(exactly.timesMs).toEqual([at('04:30:00'), at('04:31:00')])
  expect(planFiring(hourly, { ...plan, catchUp: 'skip', nowMs: at('04:30:30') })).toEqual({
    timesMs: [],
    nextMs: at('05:00:00'),
  })
})

test('a year of seconds is caught up with at once by “last” and “skip”', () => {
  const cron = parseCron('* * * * * *', 'Europe/Berlin')
  const nowMs = at('00:00:00') + 366 * 86_400_000 + 500
  expect(planFiring(cron, { ...plan, catchUp: 'last', nowMs }).timesMs).toEqual([nowMs - 500])
  expect(planFiring(cron, { ...plan, catchUp: 'skip', nowMs }).timesMs).toHaveLength(60)
})

test('“last” is the last of “all”, also where clocks are changed', () => {
  const crons = fc.constantFrom('0 * * * *', '30 2 * * *', '*/20 1-3 * * *', '15 2,14 * * SUN', '0 0 1 * *')
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe')
  const from = fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2026-12-01T00:00:00Z') })
  fc.assert(
    fc.property(crons, zones, from, fc.integer({ min: 0, max: 10 * 86_400_000 }), (text, zone, fromMs, lateMs) => {
      const cron = parseCron(text, zone)
      const dueMs = cron.next(fromMs) ?? 0
      const late = { dueMs, nowMs: dueMs + lateMs, timesMax: 1000 }
      const all = planFiring(cron, { ...late, catchUp: 'all' })
      expect(planFiring(cron, { ...late, catchUp: 'last' })).toEqual({ ...all, timesMs: all.timesMs.slice(-1) })
      expect(all.timesMs).toEqual([...new Set(all.timesMs)].toSorted((a, b) => a - b))
    }),
  )
})
