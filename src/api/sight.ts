import type { Access, Principal } from '../access/access.ts'
import { AppError } from '../base/errors.ts'
import type { Job } from '../jobs/jobs.ts'

// Who gets to see what: a database is seen by whoever may read or write it, a job by who submitted it and by
// administrators, and neither results nor jobs by keys that only import.

export async function maySee(access: Access, principal: Principal, database: string): Promise<boolean> {
  return (await access.may(principal, database, 'query')) || (await access.may(principal, database, 'import'))
}

/** Fails with `forbidden` where the principal may neither read nor write in the database. */
export async function requireSight(access: Access, principal: Principal, database: string): Promise<void> {
  if (await access.may(principal, database, 'import')) return
  await access.require(principal, database, 'query')
}

/** Fails with `forbidden` for keys that only import: they lie on devices, and are to give nothing away. */
export function requireReader(principal: Principal): void {
  if (principal.keyKind !== 'import') return
  throw new AppError('forbidden', 'This key may only import.', { hint: 'Use a key of the kind `query` or `full`.' })
}

/** Fails with `forbidden` unless the key is a full one, as the management of users and keys needs it. */
export function requireFullKey(principal: Principal, deed = 'manage the account'): void {
  if (principal.keyKind === 'full') return
  throw new AppError('forbidden', `This key is of the kind \`${principal.keyKind}\`: it may not ${deed}.`, {
    hint: 'Use a key of the kind `full`.',
  })
}

export function maySeeJob(principal: Principal, job: Job): boolean {
  return principal.role !== 'member' || job.userId === principal.userId
}

/** The job, or `job_not_found` where it is not the principal's to see. */
export function requireJobSight(principal: Principal, job: Job): Job {
  if (maySeeJob(principal, job)) return job
  throw new AppError('job_not_found', `There is no job ${job.id}.`, { hint: '`GET /api/v1/jobs` lists your jobs.' })
}
