import { expect, test } from 'vitest'

import { openLog } from '../base/log.ts'
import type { Job, Jobs, NewJob } from '../jobs/jobs.ts'
import { ManualClock } from '../jobs/testing/manual-clock.ts'
import type { FrameGroup } from './frame-group.ts'
import { HandOver } from './hand-over.ts'
import type { ImportInput } from './import-input.ts'
import { jobBytesMax } from './limits.ts'

const segment = { kind: 'file', inbox: 'inbox', id: 'a', name: 'segment-000001' } as const
const place = (from: number, bytes: number) => ({ segment, accountId: 1, from, to: from + bytes })

/** A queue that answers a submission when it is told to, and whose jobs have succeeded by then. */
function slowQueue() {
  const submitted: NewJob[] = []
  const answers: (() => void)[] = []
  const submitAll = async (jobs: readonly NewJob[]) => {
    submitted.push(...jobs)
    await new Promise<void>((resolve) => answers.push(resolve))
    return jobs.map((_, id) => ({ job: { id, state: 'success', output: { shown: [] } } as unknown as Job }))
  }
  return { jobs: { submitAll } as unknown as Jobs, submitted, answers }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

test('a group that is full while others are submitted is submitted next', async () => {
  const clock = new ManualClock()
  const { jobs, submitted, answers } = slowQueue()
  const done: FrameGroup[] = []
  const log = openLog('silent')
  const onFailed = async (): Promise<void> => {}
  const handOver = new HandOver({ jobs, clock, log, onDone: (group) => void done.push(group), onFailed })
  handOver.start()
  handOver.add(place(0, jobBytesMax))
  await turns()
  handOver.add(place(jobBytesMax, jobBytesMax))
  handOver.add(place(2 * jobBytesMax, jobBytesMax))
  await turns()
  expect(submitted).toHaveLength(1)
  answers.shift()?.()
  await turns()
  expect(submitted.map(({ input }) => (input as ImportInput).spans)).toEqual(
    [0, 1, 2].map((number) => [[number * jobBytesMax, (number + 1) * jobBytesMax]]),
  )
  answers.shift()?.()
  await turns()
  expect(done).toHaveLength(3)
  await handOver.stop()
})
