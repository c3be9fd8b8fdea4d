import { setTimeout } from 'node:timers/promises'

import { AppError } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import { runRole } from '../role-process.ts'

// A role whose one service does what the environment asks for.
const manner = process.env['MANNER']

await runRole(openLog('silent'), async (previous) => ({
  services: [
    {
      name: 'fixture',
      async start() {
        if (manner === 'refuse') throw new AppError('startup', 'The port 8040 is taken.', { hint: 'Take another.' })
        if (manner === 'exit early') process.exit(3)
        if (manner === 'die') void setTimeout(20).then(() => Promise.reject(new Error('a bug')))
        if (manner === 'wait') await setTimeout(600_000)
        setInterval(() => {}, 1000)
      },
      async drain() {
        if (manner === 'stick') await setTimeout(600_000)
      },
      async stop() {
        if (manner === 'stick') await setTimeout(600_000)
      },
    },
  ],
  announce: () => ({ pid: process.pid, previous }),
}))
