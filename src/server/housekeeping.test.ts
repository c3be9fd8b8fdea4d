import { expect, it } from 'vitest'

import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { Housekeeping } from './housekeeping.ts'

it('goes on while there is work, waits when there is none, and survives a failing chore', async () => {
  const left = [3, 2, 1, 0]
  let failures = 0
  let idle = () => {}
  const untilIdle = new Promise<void>((resolve) => (idle = resolve))
  const housekeeping = new Housekeeping(
    [
      {
        name: 'sweep',
        everyMs: 3_600_000,
        perform: async () => {
          const next = left.shift() ?? 0
          if (next === 0) idle()
          return next
        },
      },
      { name: 'broken', everyMs: 3_600_000, perform: () => Promise.reject(new Error(`${++failures}`)) },
    ],
    systemClock,
    openLog('silent'),
  )
  await housekeeping.start()
  await untilIdle
  await housekeeping.stop()
  expect(left).toEqual([])
  expect(failures).toBe(1)
})
