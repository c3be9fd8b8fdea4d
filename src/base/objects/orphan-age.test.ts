import { expect, test } from 'vitest'

import { systemClock } from '../clock.ts'
import type { Queryable } from '../postgres/postgres.ts'
import { knownOrOpen, mayBeReferredTo, orphanAgeMs } from './orphan-age.ts'

const clock = { ...systemClock, nowMs: () => 1e12 }

/** A database in which so many old transactions are open. */
const withOpen = (transactions: number): Queryable => ({
  query: <Row>() => Promise.resolve(Array.from({ length: transactions }, () => ({}) as Row)),
})

test('what a transaction that is open for long may refer to is known until it has ended', async () => {
  const select = async () => ['a']
  expect(await knownOrOpen(withOpen(1), ['a', 'b'], select)).toEqual(['a', 'b'])
  expect(await knownOrOpen(withOpen(0), ['a', 'b'], select)).toEqual(['a'])
})

test('what is to be referred to is younger than half of what makes an orphan', () => {
  expect(mayBeReferredTo(1e12 - orphanAgeMs / 2 + 1, clock)).toBe(true)
  expect(mayBeReferredTo(1e12 - orphanAgeMs / 2, clock)).toBe(false)
})
