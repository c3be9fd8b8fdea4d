import { afterEach, beforeEach, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import type { Job, JobHandler } from './jobs.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'

// A worker with quick handlers holds leases on jobs that have not begun. Nobody else may be the worse for it.

let database: TestDatabase
let bench: JobsBench
/** The jobs whose handlers have begun. */
let begun: Set<number>
/** Ends the slow handler. */
let finish: () => void

beforeEach(async () => {
  database = await openTestDatabase(20)
  bench = await openJobsBench(database.postgres)
})
afterEach(async () => {
  await bench.stop()
  await database.close()
})

/** Quick for all jobs but those of input `slow`. */
function mostlyQuick(): JobHandler {
  begun = new Set()
  const finished = new Promise<void>((resolve) => (finish = resolve))
  return async ({ job, signal }) => {
    begun.add(job.id)
    if (job.input !== 'slow') return
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    await Promise.race([finished, aborted])
  }
}

const until = (condition: () => unknown) => expect.poll(condition).toBeTruthy()

/** Jobs of which the worker took many ahead when it began the slow one in front of them. */
async function takenAhead(): Promise<{ slow: Job; others: Job[] }> {
  const { accountId } = bench
  const quick = Array.from({ length: 200 }, () => ({ accountId, kind: 'work', input: 'quick' }))
  // Those in front tell the worker how quick they are.
  const submitted = await bench.jobs.submitAll([...quick, { accountId, kind: 'work', input: 'slow' }, ...quick])
  const jobs = submitted.map(({ job }) => job)
  const slow = must(jobs[quick.length], 'the slow job was submitted')
  await until(() => begun.has(slow.id))
  return { slow, others: jobs.filter(({ id }) => !begun.has(id)) }
}

const states = async (jobs: readonly Job[]) => {
  const all = await Promise.all(jobs.map(({ id }) => bench.jobs.get(bench.accountId, id)))
  return new Set(all.map(({ state, attempt }) => `${state} ${attempt}`))
}

test('what waits behind a slow job goes to other workers, as if it had never been taken', async () => {
  await bench.run(mostlyQuick(), { owner: 'busy' })
  const { slow, others } = await takenAhead()
  await bench.run(async () => null, { owner: 'idle' })
  await Promise.all(others.map((job) => bench.finished(job)))
  expect(await states(others)).toEqual(new Set(['success 1']))
  const histories = await Promise.all(others.map(({ id }) => bench.jobs.history(bench.accountId, id)))
  expect(histories.flat().map(({ reason }) => reason)).toContain('the worker is busy with others')
  finish()
  expect((await bench.finished(slow)).state).toBe('success')
})

test('a worker that stops gives back what it took ahead', async () => {
  const runner = await bench.run(mostlyQuick())
  const { slow, others } = await takenAhead()
  await runner.stop()
  expect(await states([slow, ...others])).toEqual(new Set(['queued 0']))
})

test('a job that was taken ahead can be killed, and does not begin', async () => {
  await bench.run(mostlyQuick())
  const { others } = await takenAhead()
  const victim = must(others[0], 'the worker cannot have begun them all')
  await bench.jobs.kill(bench.accountId, victim.id, 'user:1')
  expect((await bench.finished(victim)).state).toBe('killed')
  finish()
  expect(begun).not.toContain(victim.id)
})
