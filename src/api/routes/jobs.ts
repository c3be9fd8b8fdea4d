import type { Principal } from '../../access/access.ts'
import type { Job, JobTransition, Jobs } from '../../jobs/jobs.ts'
import { getJob, getJobHistory, killJob, listJobs } from '../contract/jobs.ts'
import { idOfCursor, pageOf } from '../cursor.ts'
import { jobJson } from '../job-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { maySeeJob, requireJobSight, requireReader } from '../sight.ts'

export function serveJobs(host: OperationHost, jobs: Jobs): void {
  serveOperation(host, listJobs).with(async ({ principal, query }) => {
    requireReader(principal)
    const before = idOfCursor(query.cursor)
    const found = await jobs.list({
      accountId: principal.accountId,
      limit: query.limit + 1,
      ...(query.kind !== undefined && { kind: query.kind }),
      ...(query.state !== undefined && { state: query.state }),
      ...(before !== undefined && { before }),
    })
    const { rows, nextCursor } = pageOf(found, query.limit)
    const items = rows.filter((job) => maySeeJob(principal, job)).map(jobJson)
    return { status: 200, body: { items, next_cursor: nextCursor } }
  })

  serveOperation(host, getJob).with(async ({ principal, params, query, nobodyWaits }) => {
    const job = await visibleJob(jobs, principal, params.job)
    if (query.wait === 0) return { status: 200, body: jobJson(job) }
    const latest = await jobs.wait(principal.accountId, job.id, query.wait * 1000, nobodyWaits())
    return { status: 200, body: jobJson(latest) }
  })

  serveOperation(host, getJobHistory).with(async ({ principal, params }) => {
    const job = await visibleJob(jobs, principal, params.job)
    const items = (await jobs.history(principal.accountId, job.id)).map(transitionJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, killJob).with(async ({ principal, params }) => {
    const job = await visibleJob(jobs, principal, params.job)
    const formerState = await jobs.kill(principal.accountId, job.id, `user:${principal.userId}`)
    return { status: 200, body: { id: job.id, former_state: formerState } }
  })
}

/** The job, for whoever may read it; to everybody else it does not exist. */
export async function visibleJob(jobs: Jobs, principal: Principal, id: number): Promise<Job> {
  requireReader(principal)
  return requireJobSight(principal, await jobs.get(principal.accountId, id))
}

function transitionJson({ at, ...transition }: JobTransition) {
  return { at: at.toISOString(), ...transition }
}
