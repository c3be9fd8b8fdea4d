import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { queueCommands } from './testing/queue-commands.ts'
import { QueueModel } from './testing/queue-model.ts'
import { clearQueue, openQueueUnderTest } from './testing/queue-under-test.ts'

/** Of whole queues; each has some 20 jobs, whose ways cross. More: BIWA_TEST_MODEL_RUNS=10000. */
const runs = Number(process.env['BIWA_TEST_MODEL_RUNS'] ?? 250)

const ends = ['succeed', 'fail', 'fail_retryable', 'hand_back', 'obey_kill']
const others =
  'submit,promote,pass time,acquire free,acquire under limits,succeed in bulk,lose,beat,kill,redrive,change limit'
const everything = [
  'histories',
  ...others.split(','),
  ...ends.flatMap((event) => [`end: ${event}`, `come back late: ${event}`]),
].toSorted()

let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase(3)
})
afterAll(() => database.close())

test('the queue is what the model is, after each step of random histories', { timeout: 600_000 }, async () => {
  const done = new Map<string, number>()
  const histories = fc.asyncProperty(
    fc.commands(queueCommands, { maxCommands: 100, size: 'max' }),
    async (commands) => {
      const queue = await openQueueUnderTest(database.postgres, done)
      const model = new QueueModel()
      try {
        await fc.asyncModelRun(() => ({ model, real: queue }), commands)
      } finally {
        await clearQueue(queue)
      }
      done.set('histories', (done.get('histories') ?? 0) + 1)
    },
  )
  await fc.assert(histories, { numRuns: runs, unbiased: true })
  expect([...done.keys()].toSorted()).toEqual(everything)
})
