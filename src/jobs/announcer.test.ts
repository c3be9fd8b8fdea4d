import { describe, expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import type { Postgres, Sql } from '../base/postgres/postgres.ts'
import { Announcer } from './announcer.ts'
import { ManualClock } from './testing/manual-clock.ts'

/** Lets everything happen that waits for nothing else. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Takes announcements; the next ones fail with what `failures` has. */
function fakePostgres(failures: Error[] = []) {
  const told: string[] = []
  const query = async (statement: Sql) => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    told.push(statement.toQuery().values.join(' '))
    return []
  }
  return { told, postgres: { query } as unknown as Postgres }
}

const away = (): Error => new AppError('database_unavailable', 'away')

describe('announcing', () => {
  test('tells the first at once, and what comes in quick succession together, and once', async () => {
    const clock = new ManualClock()
    const { told, postgres } = fakePostgres()
    const announcer = new Announcer(postgres, clock)
    for (const item of ['1', '2', '3', '2']) announcer.announce('ends', [item])
    announcer.announce('ready', ['7'])
    await settled()
    expect(told).toEqual(['ends 1', 'ready 7'])
    clock.advance(5)
    await settled()
    expect(told).toEqual(['ends 1', 'ready 7', 'ends 2,3'])
  })

  test('tells in several pieces what is too much for one', async () => {
    const clock = new ManualClock()
    const { told, postgres } = fakePostgres()
    const ids = Array.from({ length: 600 }, (_, index) => String(index))
    new Announcer(postgres, clock).announce('ends', ids)
    for (let turn = 0; turn < 4; turn += 1) {
      await settled()
      clock.advance(5)
    }
    expect(told.map((text) => text.split(',').length)).toEqual([250, 250, 100])
    expect(told.join(',').replaceAll('ends ', '').split(',')).toEqual(ids)
  })

  test('tells again soon what a lost connection kept from being told', async () => {
    const clock = new ManualClock()
    const { told, postgres } = fakePostgres([away(), away()])
    const announcer = new Announcer(postgres, clock)
    announcer.announce('ends', ['1'])
    await settled()
    announcer.announce('ends', ['2'])
    clock.advance(25)
    await settled()
    expect(told).toEqual([])
    clock.advance(50)
    await settled()
    expect(told).toEqual(['ends 1'])
    clock.advance(5)
    await settled()
    expect(told).toEqual(['ends 1', 'ends 2'])
  })

  test.each([
    ['that the database refuses', [new AppError('internal', 'no')]],
    ['for which the database is away for too long', Array.from({ length: 10 }, away)],
  ])('gives up what %s, and goes on with the next', async (_, failures) => {
    const clock = new ManualClock()
    const { told, postgres } = fakePostgres(failures)
    const announcer = new Announcer(postgres, clock)
    announcer.announce('ends', ['1'])
    announcer.announce('ends', ['2'])
    for (let turn = 0; turn < 15; turn += 1) {
      await settled()
      clock.advance(1000)
    }
    expect(told).toEqual(['ends 2'])
  })

  test('says when all is told', async () => {
    const clock = new ManualClock()
    const { told, postgres } = fakePostgres([away()])
    const announcer = new Announcer(postgres, clock)
    await announcer.told()
    announcer.announce('ends', ['1'])
    let isTold = false
    const waiting = announcer.told().then(() => (isTold = true))
    await settled()
    expect(isTold).toBe(false)
    clock.advance(25)
    await settled()
    clock.advance(5)
    await waiting
    expect(told).toEqual(['ends 1'])
  })
})
