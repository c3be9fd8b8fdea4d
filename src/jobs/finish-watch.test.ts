import { describe, expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import { FinishWatch } from './finish-watch.ts'
import type { Job } from './jobs.ts'
import { madeJob } from './testing/made-job.ts'
import { ManualClock } from './testing/manual-clock.ts'

const job = (state: Job['state']): Job => madeJob({ state })

/** Lets everything happen that waits for nothing else. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('waiting for the end of a job', () => {
  test('takes notice of an end that comes during the first look', async () => {
    const watch = new FinishWatch(new ManualClock())
    let looks = 0
    const read = async () => {
      looks++
      if (looks > 1) return job('success')
      watch.wake(1)
      return job('running')
    }
    expect((await watch.wait(1, read, 1000)).state).toBe('success')
  })

  test('wakes everybody who waits for that job, and nobody else', async () => {
    const watch = new FinishWatch(new ManualClock())
    let state: Job['state'] = 'running'
    let looks = 0
    const read = async () => (looks++, job(state))
    const waits = [watch.wait(1, read, 1000), watch.wait(1, read, 1000)]
    await settled()
    watch.wake(2)
    await settled()
    expect(looks).toBe(2)
    state = 'error'
    watch.wake(1)
    expect((await Promise.all(waits)).map((seen) => seen.state)).toEqual(['error', 'error'])
  })

  test('goes on while the database is away, and looks by itself now and then', async () => {
    const clock = new ManualClock()
    const watch = new FinishWatch(clock)
    const answers = [job('running'), new AppError('database_unavailable', 'away'), job('success')]
    const read = async () => {
      const answer = answers.shift()
      if (answer instanceof AppError || answer === undefined) throw answer
      return answer
    }
    const waiting = watch.wait(1, read, 60_000)
    await settled()
    watch.wakeAll()
    await settled()
    clock.advance(10_000)
    expect((await waiting).state).toBe('success')
  })

  test('looks soon for an end that nobody announced, and then ever later', async () => {
    const clock = new ManualClock()
    let looks = 0
    const read = async () => job((looks += 1) === 6 ? 'success' : 'running')
    const waiting = new FinishWatch(clock).wait(1, read, 60_000)
    for (const [index, ms] of [500, 500, 500, 750, 1125].entries()) {
      await settled()
      expect(looks).toBe(index + 1)
      clock.advance(ms - 1)
      await settled()
      expect(looks).toBe(index + 1)
      clock.advance(1)
    }
    expect((await waiting).state).toBe('success')
  })

  test('ends when the time is up, with what was seen last', async () => {
    const clock = new ManualClock()
    const waiting = new FinishWatch(clock).wait(1, async () => job('running'), 500)
    await settled()
    clock.advance(500)
    expect((await waiting).state).toBe('running')
  })

  test('fails when the first look does', async () => {
    const read = async () => {
      throw new AppError('job_not_found', 'The job 1 does not exist.')
    }
    await expect(new FinishWatch(new ManualClock()).wait(1, read, 500)).rejects.toMatchObject({ code: 'job_not_found' })
  })

  describe('by whoever has just submitted it', () => {
    /** Counts the looks, all of which see the end. */
    function ended() {
      const looks: Job[] = []
      const read = async () => (looks.push(job('success')), job('success'))
      return { looks, read }
    }

    test('looks at it after its end alone', async () => {
      const watch = new FinishWatch(new ManualClock())
      watch.wake(2, 7)
      const { looks, read } = ended()
      const waiting = watch.wait(1, read, 60_000, { submitted: job('queued') })
      await settled()
      expect(looks).toEqual([])
      watch.wake(1)
      expect((await waiting).state).toBe('success')
      expect(looks).toHaveLength(1)
    })

    test('takes notice of an end that was announced before', async () => {
      const watch = new FinishWatch(new ManualClock())
      watch.wake(1, 3)
      for (let id = 10; id < 900; id++) watch.wake(id)
      expect((await watch.wait(1, ended().read, 60_000, { submitted: job('queued') })).state).toBe('success')
    })

    test('looks at once where the announcement may have been lost', async () => {
      const watch = new FinishWatch(new ManualClock())
      watch.wakeAll()
      expect((await watch.wait(1, ended().read, 60_000, { submitted: job('queued') })).state).toBe('success')
    })

    test('looks by itself now and then', async () => {
      const clock = new ManualClock()
      const waiting = new FinishWatch(clock).wait(1, ended().read, 60_000, { submitted: job('queued') })
      await settled()
      clock.advance(10_000)
      expect((await waiting).state).toBe('success')
    })
  })
})
