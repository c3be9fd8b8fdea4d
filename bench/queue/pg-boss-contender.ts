import PgBoss from 'pg-boss'

import type { Contender } from './contender.ts'
import { connectionsMax } from './server.ts'

const queue = 'noop'
const data = { a: 1 }

/**
 * pg-boss by its `fetch` and `complete`: its own workers fetch twice a second at most. With batches, two loops take turns,
 * so that one fetches while the other completes.
 */
export async function openPgBoss(url: string): Promise<Contender> {
  const boss = new PgBoss({ connectionString: url, max: connectionsMax, supervise: false, schedule: false })
  let closing = false
  // Its connections end after it says that it has stopped.
  boss.on('error', (error) => closing || console.error(error))
  await boss.start()
  await boss.createQueue(queue)
  return {
    name: 'pg-boss',
    async enqueue(jobs) {
      if (jobs === 1) await boss.send(queue, data)
      else await boss.insert(Array.from({ length: jobs }, () => ({ name: queue, data })))
    },
    async process(batch, tally, onWritten) {
      const loop = async () => {
        while (!tally.isReached) {
          const jobs = await boss.fetch(queue, { batchSize: batch })
          if (jobs.length === 0) return
          tally.count(jobs.length)
          const ids = jobs.map(({ id }) => id)
          await boss.complete(queue, ids)
        }
      }
      await Promise.all(Array.from({ length: batch === 1 ? 1 : 2 }, loop))
      onWritten()
    },
    clear: () => boss.clearStorage(),
    async close() {
      closing = true
      await boss.stop({ graceful: false, wait: true })
    },
  }
}
