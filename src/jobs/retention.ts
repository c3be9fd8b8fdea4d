import type { Postgres } from '../base/postgres/postgres.ts'
import { deleteFinishedBefore } from './retention.sql.ts'
import { deleteRunsBefore } from './schedules/schedules.sql.ts'

/** Few enough that nobody waits long for a lock. */
const batch = 1000

/** Deletes the jobs that were finished before `olderThan`, with their history. Returns how many. */
export async function deleteFinishedJobs(postgres: Postgres, olderThan: Date): Promise<number> {
  let deleted = 0
  while (true) {
    const more = await deleteFinishedBefore(postgres, olderThan, batch)
    deleted += more
    if (more < batch) return deleted
  }
}

/** Forgets the runs of schedules that were fired before `olderThan`. Returns how many. */
export async function deleteOldRuns(postgres: Postgres, olderThan: Date): Promise<number> {
  let deleted = 0
  while (true) {
    const more = await deleteRunsBefore(postgres, olderThan, batch)
    deleted += more
    if (more < batch) return deleted
  }
}
