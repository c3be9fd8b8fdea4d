import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { JobState } from './jobs.ts'
import { finishedStates } from './jobs.ts'
import type { JobEvent, JobFacts } from './transitions.ts'
import { stateAfter, waitingStates } from './transitions.ts'

const states: readonly JobState[] = ['queued', 'delayed', 'running', 'retry_wait', 'success', 'error', 'killed', 'dead']
const events: readonly JobEvent[] = [
  'fall_due',
  'acquire',
  'succeed',
  'fail',
  'fail_retryable',
  'lose',
  'hand_back',
  'obey_kill',
  'kill',
]

const anyFacts = fc
  .record({ attempt: fc.integer({ min: 1, max: 5 }), spare: fc.nat(4), killRequested: fc.boolean() })
  .map(({ attempt, spare, killRequested }): JobFacts => ({ attempt, attemptsMax: attempt + spare, killRequested }))

/** Lives through the events as the queue does; those that cannot happen change nothing. */
function live(happenings: readonly JobEvent[], attemptsMax: number) {
  let state: JobState = 'queued'
  let facts: JobFacts = { attempt: 0, attemptsMax, killRequested: false }
  const visited: JobState[] = [state]
  for (const event of happenings) {
    const next = stateAfter(state, event, facts)
    if (next === undefined) continue
    if (event === 'acquire') facts = { ...facts, attempt: facts.attempt + 1 }
    if (event === 'hand_back') facts = { ...facts, attempt: facts.attempt - 1 }
    if (event === 'kill') facts = { ...facts, killRequested: true }
    state = next
    visited.push(state)
  }
  return { state, facts, visited }
}

describe('the states of a job', () => {
  test('are as the table says', () => {
    const facts: JobFacts = { attempt: 1, attemptsMax: 2, killRequested: false }
    const row = (event: JobEvent, more: Partial<JobFacts> = {}) =>
      states.map((state) => stateAfter(state, event, { ...facts, ...more }) ?? '–')
    const running = (after: JobState | '–') => ['–', '–', after, '–', '–', '–', '–', '–']
    expect(row('fall_due')).toEqual(['–', 'queued', '–', 'queued', '–', '–', '–', '–'])
    expect(row('acquire')).toEqual(['running', '–', '–', '–', '–', '–', '–', '–'])
    expect(row('kill')).toEqual(['killed', 'killed', 'running', 'killed', '–', '–', '–', '–'])
    expect(row('succeed')).toEqual(running('success'))
    expect(row('fail')).toEqual(running('error'))
    expect(row('fail_retryable')).toEqual(running('retry_wait'))
    expect(row('fail_retryable', { attempt: 2 })).toEqual(running('dead'))
    expect(row('fail_retryable', { killRequested: true })).toEqual(running('killed'))
    expect(row('lose')).toEqual(running('retry_wait'))
    expect(row('lose', { attempt: 2 })).toEqual(running('dead'))
    expect(row('hand_back')).toEqual(running('queued'))
    expect(row('hand_back', { killRequested: true })).toEqual(running('killed'))
    expect(row('obey_kill')).toEqual(running('killed'))
  })

  test('never leave the end', () => {
    const ended = fc.constantFrom(...finishedStates)
    fc.assert(
      fc.property(ended, fc.constantFrom(...events), anyFacts, (state, event, facts) => {
        expect(stateAfter(state, event, facts)).toBeUndefined()
      }),
    )
  })

  test('never wait again once a kill was requested, and never go past the attempts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...events), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        (happenings, attemptsMax) => {
          const { state, facts, visited } = live(happenings, attemptsMax)
          expect(facts.attempt).toBeLessThanOrEqual(attemptsMax)
          if (facts.killRequested) expect(waitingStates.has(state)).toBe(false)
          const end = visited.findIndex((visit) => finishedStates.has(visit))
          if (end !== -1) expect(end).toBe(visited.length - 1)
        },
      ),
    )
  })
})
