import { beforeEach, describe, expect, it } from 'vitest'

import { Hand } from './hand.ts'
import type { Job } from './jobs.ts'
import { RunningAttempt } from './running-attempt.ts'
import { ManualClock } from './testing/manual-clock.ts'

let clock: ManualClock
let hand: Hand
let begun: RunningAttempt[]
let givenBack: RunningAttempt[]

beforeEach(() => {
  clock = new ManualClock()
  begun = []
  givenBack = []
  const calls = {
    begin: (attempt: RunningAttempt) => void begun.push(attempt),
    giveBack: (attempt: RunningAttempt) => void givenBack.push(attempt),
  }
  hand = new Hand({ kind: 'work', concurrency: 2, handler: async () => null }, clock, calls)
})

let tokens = 0
const attempts = (count: number) =>
  Array.from({ length: count }, () => new RunningAttempt({} as Job, { leaseToken: ++tokens, holdsSlots: false }))

/** Asks for all that it may, and gets that many. */
function takeAll(): void {
  const { places, ahead } = hand.free()
  hand.ask(places + ahead)
  hand.answer(places + ahead, attempts(places + ahead))
}

/** Ends the handlers of the first `count` that began, each after `ms`. */
function end(count: number, ms: number): void {
  for (const attempt of begun.splice(0, count)) {
    clock.advance(ms)
    hand.ended(attempt)
  }
}

describe('a hand', () => {
  it('takes half of its places with one turn, and nothing ahead before it knows how long handlers take', () => {
    expect(hand.free()).toEqual({ kind: 'work', places: 1, ahead: 0 })
    takeAll()
    takeAll()
    expect(hand.free()).toEqual({ kind: 'work', places: 0, ahead: 0 })
    expect(begun).toHaveLength(2)
  })

  it('takes as much ahead as quick handlers work off in 20 ms, at most 500', () => {
    takeAll()
    end(1, 1)
    expect(hand.free()).toEqual({ kind: 'work', places: 2, ahead: 19 })
    takeAll()
    expect(begun).toHaveLength(2)
    end(2, 0)
    for (let turn = 0; turn < 100; turn++) end(1, 0)
    const { ahead } = hand.free()
    expect(ahead).toBe(Math.ceil(502 / 2) - 2)
  })

  it('takes nothing ahead of slow handlers', () => {
    takeAll()
    end(1, 1000)
    expect(hand.free()).toEqual({ kind: 'work', places: 1, ahead: 0 })
  })

  it('begins what it took ahead as others end, in order', () => {
    takeAll()
    end(1, 1)
    const five = attempts(5)
    hand.ask(5)
    hand.answer(5, five)
    expect(begun).toEqual(five.slice(0, 2))
    hand.ended(five[0]!)
    expect(begun).toEqual(five.slice(0, 3))
  })

  it('gives back what waits for 200 ms behind slow ones, and takes nothing ahead then', () => {
    takeAll()
    end(1, 1)
    hand.ask(10)
    hand.answer(10, attempts(10))
    clock.advance(199)
    expect(givenBack).toHaveLength(0)
    clock.advance(1)
    expect(givenBack).toHaveLength(8)
    expect(hand.free()).toMatchObject({ places: 0, ahead: 0 })
  })

  it('does not give back what came later than that', () => {
    takeAll()
    end(1, 1)
    hand.ask(4)
    hand.answer(4, attempts(4))
    clock.advance(150)
    end(2, 0)
    hand.ask(1)
    hand.answer(1, attempts(1))
    clock.advance(100)
    expect(givenBack).toHaveLength(0)
    clock.advance(100)
    expect(givenBack).toHaveLength(1)
  })
})
