import { AppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Announcer } from './announcer.ts'
import { finishedChannel, killChannel } from './channels.ts'
import type { JobState } from './jobs.ts'
import { killWaiting, requestKill } from './kill.sql.ts'
import { storedJson } from './stored-json.ts'

/** A job may be acquired, or come back to wait, between the two questions. */
const triesMax = 5

/**
 * Ends the account's job if it waits, and asks it to end if it runs. Returns the state before; undefined where it does
 * neither.
 */
export async function killJob(
  { postgres, announcer }: { readonly postgres: Postgres; readonly announcer: Announcer },
  job: { readonly accountId: number; readonly id: number },
  actor: string,
): Promise<JobState | undefined> {
  for (let tries = 0; tries < triesMax; tries++) {
    const waited = await killWaiting(postgres, job, actor, storedJson(killedError(job.id)))
    if (waited !== undefined) {
      announcer.announce(finishedChannel, [String(job.id)])
      return waited
    }
    if (await requestKill(postgres, job, actor)) {
      announcer.announce(killChannel, [String(job.id)])
      return 'running'
    }
  }
  return undefined
}

export function killedError(id: number): ErrorRecord {
  return { code: 'job_killed', message: `Job ${id} was killed.`, hint: 'Its history says who asked for it.' }
}

export function jobNotFound(id: number): AppError {
  return new AppError('job_not_found', `The job ${id} does not exist.`, {
    hint: 'List the jobs to find the right id; finished jobs are deleted after a while.',
  })
}
