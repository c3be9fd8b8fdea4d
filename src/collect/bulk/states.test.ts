import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { BulkCommand, BulkEvent, BulkOutcome, BulkState } from './states.ts'
import { stateAfter, uploading } from './states.ts'

const commands: readonly BulkCommand[] = ['change_parts', 'freeze', 'unfreeze', 'perform', 'commit', 'delete']
const outcomes: readonly BulkOutcome[] = ['performed', 'perform_failed', 'committed', 'commit_failed']
const events: readonly BulkEvent[] = [...commands, ...outcomes]

/** Every state that events can lead to from the first one. */
function reachable(): BulkState[] {
  const found = new Map([[JSON.stringify(uploading), uploading]])
  for (const state of found.values()) {
    for (const event of events) {
      const next = stateAfter(state, event)
      if (next !== undefined) found.set(JSON.stringify(next), next)
    }
  }
  return [...found.values()]
}

describe('the states of a bulk import', () => {
  it('are six', () => {
    expect(reachable().map(({ status, frozen }) => (frozen ? `${status}, frozen` : status))).toEqual([
      'uploading',
      'uploading, frozen',
      'performing, frozen',
      'ready, frozen',
      'committing, frozen',
      'committed, frozen',
    ])
  })

  it('let every command be repeated whose answer was lost, and then change nothing', () => {
    for (const state of reachable()) {
      for (const command of commands) {
        const next = stateAfter(state, command)
        if (next !== undefined) expect(stateAfter(next, command), `${command} in ${state.status}`).toEqual(next)
      }
    }
  })

  it('keep the parts as they are from the freeze to the end', () => {
    for (const state of reachable()) {
      expect(stateAfter(state, 'change_parts') !== undefined).toBe(!state.frozen)
    }
  })

  it('lead to a commit only over a conversion of these very parts', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (happenings) => {
        let state = uploading
        let isConverted = false
        for (const event of happenings) {
          const next = stateAfter(state, event)
          if (next === undefined) continue
          if (event === 'commit') expect(isConverted).toBe(true)
          if (event === 'performed') isConverted = true
          if (event === 'unfreeze' || (event === 'perform' && next.status !== state.status)) isConverted = false
          state = next
        }
        if (state.status === 'committed') expect(isConverted).toBe(true)
      }),
    )
  })

  it('end with the commit', () => {
    const committed: BulkState = { status: 'committed', frozen: true }
    for (const event of events) expect(stateAfter(committed, event) ?? committed).toEqual(committed)
  })
})
