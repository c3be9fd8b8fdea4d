import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LanePicker } from './lane-picker.ts'
import type { Picked } from './lane-picker.ts'

const lane = (id: number, accountId: number, more: { position?: number; limitIds?: number[] } = {}) => ({
  id,
  kind: 'work',
  account_id: accountId,
  limit_keys: ['kind:work'],
  weights: [1],
  limit_ids: more.limitIds ?? [],
  position: more.position ?? 0,
})

const nothing = { full: new Set<number>(), empty: new Set<number>() }
const wanted = ({ free }: Picked) => free.map(({ laneId, count }) => [laneId, count])
const pick = (picker: LanePicker, places: number) => picker.pick([{ kind: 'work', places, ahead: 0 }])
const running = (accountId: number, count: number) => ({ kind: 'work', account_id: accountId, count })

/** As if the database had given that many jobs of each lane. */
function answer(picker: LanePicker, picked: Picked, counts: Record<number, number>, last = 100): void {
  const got = Object.entries(counts).map(([id, count]) => [Number(id), { count, last }] as const)
  picker.answered(picked, new Map(got), nothing)
}

describe('a picker of lanes', () => {
  test('shares places evenly between accounts, whatever they have queued', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1), lane(2, 2), lane(3, 3)], [])
    expect(wanted(pick(picker, 7))).toEqual([
      [1, 3],
      [2, 2],
      [3, 2],
    ])
  })

  test('counts what runs in all workers: the account of which least runs comes first', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1), lane(2, 2)], [running(1, 100), running(2, 97)])
    expect(wanted(pick(picker, 2))).toEqual([[2, 2]])
  })

  test('gives an odd place to one account after the other', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1), lane(2, 2)], [running(1, 4), running(2, 4)])
    const got = Array.from({ length: 6 }, () => {
      const picked = pick(picker, 1)
      const [id = 0] = picked.free.map(({ laneId }) => laneId)
      answer(picker, picked, { [id]: 1 })
      return id
    })
    expect(got).toEqual([1, 2, 1, 2, 1, 2])
  })

  test('counts what it is asking for already, until it is told what came of it', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1), lane(2, 2)], [running(1, 4), running(2, 2)])
    // Deep lanes are asked again before they have answered.
    answer(picker, pick(picker, 10), { 1: 4, 2: 6 })
    const first = pick(picker, 2)
    expect(wanted(first)).toEqual([[2, 2]])
    const second = pick(picker, 2)
    expect(wanted(second)).toEqual([
      [1, 1],
      [2, 1],
    ])
    picker.unanswered(second)
    answer(picker, first, { 2: 0 })
    expect(wanted(pick(picker, 2))).toEqual([[1, 2]])
  })

  test('gives each account a place before any has a second, over many accounts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 50 }), fc.nat(200), (loads, places) => {
        const picker = new LanePicker()
        picker.refresh(
          loads.map((_, account) => lane(account, account)),
          loads.map((load, account) => running(account, load)),
        )
        const granted = new Map(pick(picker, places).free.map(({ laneId, count }) => [laneId, count]))
        expect([...granted.values()].reduce((sum, count) => sum + count, 0)).toBe(places)
        const after = loads.map((load, account) => load + (granted.get(account) ?? 0))
        const highest = Math.max(...[...granted.keys()].map((account) => after[account] ?? 0))
        // Whoever got nothing has at least as much as those who got something, but for the last round.
        for (const total of after) expect(total).toBeGreaterThanOrEqual(granted.size === 0 ? 0 : highest - 1)
      }),
    )
  })

  test('asks the lane of an account whose first job is first', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1, { position: 20 }), lane(2, 1, { position: 10 })], [])
    expect(wanted(pick(picker, 3))).toEqual([[2, 3]])
  })

  test('asks nothing twice at once of a lane that may be empty, but of one that is deep', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1)], [])
    const first = pick(picker, 2)
    expect(wanted(pick(picker, 2))).toEqual([])
    answer(picker, first, { 1: 2 })
    const second = pick(picker, 2)
    expect(wanted(second)).toEqual([[1, 2]])
    expect(wanted(pick(picker, 2))).toEqual([[1, 2]])
  })

  test('forgets a lane that gave less than was wanted, until it is said to have jobs', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1)], [])
    answer(picker, pick(picker, 2), { 1: 1 })
    expect(wanted(pick(picker, 2))).toEqual([])
    expect(picker.noteReady(1, 50)).toBe(true)
    expect(pick(picker, 2).free).toEqual([{ laneId: 1, fromPosition: 50, count: 2 }])
    expect(picker.noteReady(99, 0)).toBe(false)
  })

  test('believes what it is told over the answer to an older question', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1)], [])
    const picked = pick(picker, 2)
    picker.noteReady(1, 0)
    answer(picker, picked, {})
    expect(wanted(pick(picker, 2))).toEqual([[1, 2]])
  })

  test('takes jobs ahead, but none of a kind that limits count: they would hold slots without running', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1)], [])
    expect(wanted(picker.pick([{ kind: 'work', places: 1, ahead: 4 }]))).toEqual([[1, 5]])
    picker.refresh([lane(2, 1), lane(3, 2, { limitIds: [7] })], [])
    const picked = picker.pick([{ kind: 'work', places: 2, ahead: 4 }])
    expect(picked.places).toEqual(new Map([['work', 2]]))
  })

  test('leaves a lane alone whose limits are full, until slots come back', () => {
    const picker = new LanePicker()
    picker.refresh([lane(1, 1, { limitIds: [7] })], [])
    const picked = pick(picker, 2)
    expect(picked.limited.map(({ laneId }) => laneId)).toEqual([1])
    picker.answered(picked, new Map(), { full: new Set([1]), empty: new Set() })
    expect(pick(picker, 2).limited).toEqual([])
    picker.noteSlots(7)
    expect(pick(picker, 2).limited).toHaveLength(1)
  })
})
