import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Rejection } from '../rejections.ts'
import { RejectionTally } from './tally.ts'

const rejection: Rejection = {
  accountId: 1,
  keyId: 7,
  door: 'import',
  code: 'forbidden',
  detail: 'The key may not.',
  database: 'web',
  table: 'logs',
}

const limits = { perAccountMax: 3, unknownMax: 2, inAllMax: 10 }
const total = (tally: RejectionTally) => tally.take(1000).rows.reduce((sum, { requests }) => sum + requests, 0)

describe('the tally of rejections', () => {
  it('counts the same in one row, with the newest detail', () => {
    const tally = new RejectionTally()
    tally.note(rejection, 60_000)
    tally.note({ ...rejection, detail: 'It still may not.' }, 61_000)
    const { rows } = tally.take(10)
    expect(rows).toMatchObject([{ requests: 2, detail: 'It still may not.', lastAt: new Date(61_000), isRest: false }])
    expect(rows[0]?.minute).toEqual(new Date(60_000))
  })

  it('keeps of an unknown key the account that it names and four characters', () => {
    const tally = new RejectionTally()
    const unknown = { ...rejection, accountId: null, keyId: null, code: 'unauthenticated' }
    tally.note({ ...unknown, unknownKey: '12/0123456789abcdef' }, 0)
    tally.note({ ...unknown, unknownKey: 'a\0b\uD800' }, 0)
    tally.note(unknown, 0)
    expect(tally.take(10).rows).toMatchObject([
      { accountId: 12, keyId: null, keyHint: 'cdef' },
      { accountId: null, keyHint: 'a\u{FFFD}b\u{FFFD}' },
      { accountId: null, keyHint: null },
    ])
  })

  it('counts what is too different with the rest', () => {
    const tally = new RejectionTally(limits)
    for (let table = 0; table < 100; table += 1) tally.note({ ...rejection, table: `t${table}` }, 0)
    const { rows } = tally.take(1000)
    expect(rows).toHaveLength(4)
    expect(rows.at(-1)).toMatchObject({ accountId: 1, keyId: null, table: null, isRest: true, requests: 97 })
  })

  it('keeps the place of an account free from those who only claim to belong to it', () => {
    const tally = new RejectionTally(limits)
    for (let key = 0; key < 100; key += 1) {
      tally.note({ ...rejection, accountId: null, keyId: null, unknownKey: `1/${key}` }, 0)
    }
    tally.note(rejection, 0)
    expect(tally.take(1000).rows.find(({ keyId }) => keyId === 7)).toMatchObject({ isRest: false, requests: 1 })
  })

  it('writes nothing twice, and forgets nothing that was not written', () => {
    const tally = new RejectionTally()
    tally.note(rejection, 0)
    const first = tally.take(10)
    tally.note(rejection, 1)
    first.written()
    tally.note(rejection, 60_000)
    expect(tally.take(10).rows.map(({ requests }) => requests)).toEqual([1, 1])
    tally.take(10).written()
    expect(tally.take(10).rows).toEqual([])
  })

  it('never holds more sorts than it may, and loses no count while it has room for the rests', () => {
    const any = fc.record({
      accountId: fc.option(fc.integer({ min: 1, max: 4 })),
      unknownKey: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      table: fc.option(fc.string({ unit: 'binary' })),
      step: fc.integer({ min: 0, max: 20_000 }),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 200 }), (notes) => {
        const tally = new RejectionTally(limits)
        let nowMs = 0
        for (const { step, ...note } of notes) {
          nowMs += step
          tally.note({ ...rejection, keyId: null, ...note }, nowMs)
        }
        const { rows } = tally.take(1000)
        expect(rows.length).toBeLessThanOrEqual(2 * limits.inAllMax)
        expect(total(tally)).toBeLessThanOrEqual(notes.length)
        if (rows.length < 2 * limits.inAllMax) expect(total(tally)).toBe(notes.length)
      }),
    )
  })
})
