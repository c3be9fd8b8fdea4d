import { expect, test } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { JustFinished } from './just-finished.ts'
import type { Job } from './jobs.ts'
import { madeJob } from './testing/made-job.ts'

const job = (id: number, more: Partial<Job> = {}): Job => madeJob({ id, state: 'success', ...more })

function bench() {
  let nowMs = 0
  const noted = new JustFinished({ ...systemClock, monotonicMs: () => nowMs })
  return { noted, pass: (ms: number) => (nowMs += ms) }
}

test('a job is told once, and to its account alone', () => {
  const { noted } = bench()
  noted.note(job(7))
  expect(noted.take(2, 7)).toBeUndefined()
  expect(noted.take(null, 7)).toBeUndefined()
  expect(noted.take(1, 7)).toEqual(job(7))
  expect(noted.take(1, 7)).toBeUndefined()
})

test.each<[string, Partial<Job>]>([
  ['that is not finished', { state: 'running' }],
  ['that may be taken up again', { state: 'dead' }],
  ['with a long text', { input: { sql: 'x'.repeat(20_000) } }],
])('one %s is not remembered', (_, more) => {
  const { noted } = bench()
  noted.note(job(7, more))
  expect(noted.take(1, 7)).toBeUndefined()
})

test('none is for long, and not many are', () => {
  const { noted, pass } = bench()
  noted.note(job(7))
  pass(5001)
  expect(noted.take(1, 7)).toBeUndefined()
  for (let id = 1; id <= 201; id++) noted.note(job(id))
  expect([noted.take(1, 1), noted.take(1, 2)?.id, noted.take(1, 201)?.id]).toEqual([undefined, 2, 201])
})
