import { AppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { JobState } from './jobs.ts'
import { killWaiting, lockState, requestKill } from './kill.sql.ts'
import { storedJson } from './stored-json.ts'
import { waitingStates } from './transitions.ts'

/** Ends a waiting job, asks a running one to end, and leaves a finished one alone. Returns the state before. */
export async function killJob(postgres: Postgres, accountId: number, id: number, actor: string): Promise<JobState> {
  return await postgres.transaction(async (tx) => {
    const state = await lockState(tx, accountId, id)
    if (state === undefined) throw jobNotFound(id)
    if (waitingStates.has(state)) await killWaiting(tx, id, actor, storedJson(killedError(id)))
    if (state === 'running') await requestKill(tx, id, actor)
    return state
  })
}

export function killedError(id: number): ErrorRecord {
  return { code: 'job_killed', message: `Job ${id} was killed.`, hint: 'Its history says who asked for it.' }
}

export function jobNotFound(id: number): AppError {
  return new AppError('job_not_found', `The job ${id} does not exist.`, {
    hint: 'List the jobs to find the right id; finished jobs are deleted after a while.',
  })
}
