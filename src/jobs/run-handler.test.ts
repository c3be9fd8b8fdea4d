import { expect, test } from 'vitest'

import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import { runHandler } from './run-handler.ts'
import { RunningAttempt } from './running-attempt.ts'
import { madeJob } from './testing/made-job.ts'

const job = madeJob({ state: 'running', attempt: 1, startedAt: new Date(0) })

test('does not wait for the end of a handler that has ended, whatever the attempt is told afterwards', async () => {
  let scheduled = 0
  const clock: Clock = {
    ...systemClock,
    schedule: () => {
      scheduled++
      return () => {}
    },
  }
  const attempt = new RunningAttempt(job, { leaseToken: 1, holdsSlots: false })
  const kind = { kind: 'work', concurrency: 1, handler: async () => 'done' }
  const outcome = await runHandler(kind, attempt, { clock, log: openLog('silent') })
  attempt.end(new AppError('lease_lost', 'The end is written, and the lease with it.'))
  expect(outcome).toMatchObject({ event: 'succeed', output: '"done"' })
  expect(scheduled).toBe(0)
})
