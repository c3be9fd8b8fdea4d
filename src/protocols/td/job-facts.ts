import { AppError, isAppError } from '../../base/errors.ts'
import type { Job } from '../../jobs/jobs.ts'
import type { JobFacts } from './job-json.ts'
import { outputOf } from './job-json.ts'
import type { Call } from './operation.ts'
import { param } from './sight.ts'

/** Fails with `forbidden` for keys that only import: they lie on devices, and are to give nothing away. */
export function requireReader({ principal }: Call): void {
  if (principal.keyKind !== 'import') return
  throw new AppError('forbidden', 'This key may only import.', { hint: 'Use a key of the kind `query` or `full`.' })
}

/** The job that the path names, for whoever may see it: its user, and administrators. To everybody else it does not exist. */
export async function visibleJob(call: Call): Promise<Job> {
  requireReader(call)
  const { principal } = call
  const text = param(call, 'job')
  const id = /^\d{1,15}$/.test(text) ? Number(text) : 0
  const job = await call.jobs.get(principal.accountId, id)
  return requireJobSight(call, job)
}

export function requireJobSight({ principal }: Call, job: Job): Job {
  if (principal.role !== 'member' || job.userId === principal.userId) return job
  throw new AppError('job_not_found', `The job ${job.id} does not exist.`, { hint: 'job/list lists your jobs.' })
}

/** Whoever asks how a job is going is not kept waiting for long. */
const formatWaitMs = 3000

/**
 * The job as clients are told of it. To them a query is done when its result lies there as msgpack.gz, whose size they go by; so that
 * is made when somebody first asks, and until then the query runs.
 */
export async function factsOf(call: Call, job: Job): Promise<JobFacts> {
  const facts = { job, userName: await userName(call, job), url: urlOf(call, job) }
  if ((outputOf(job)?.resultKey ?? null) === null) return { ...facts, resultBytes: null }
  const known = await call.deliver.knownBytes(job, 'msgpack.gz')
  if (known !== undefined) return { ...facts, resultBytes: known }
  try {
    const { bytes } = await call.deliver.result(job, 'msgpack.gz', { waitMsMax: formatWaitMs })
    return { ...facts, resultBytes: bytes }
  } catch (error) {
    if (isAppError(error, 'result_not_ready')) {
      return { ...facts, job: { ...job, state: 'running', finishedAt: null }, resultBytes: null }
    }
    // Its download tells what is wrong with it; the query itself has succeeded.
    if (isAppError(error) && !error.retryable) return { ...facts, resultBytes: null }
    throw error
  }
}

/** The same for many jobs, with the sizes that are known already. */
export async function listedFactsOf(call: Call, jobs: readonly Job[]): Promise<JobFacts[]> {
  const names = await call.access.userNames(call.principal)
  return await Promise.all(
    jobs.map(async (job) => ({
      job,
      userName: names.get(job.userId ?? 0) ?? '',
      url: urlOf(call, job),
      resultBytes:
        (outputOf(job)?.resultKey ?? null) === null
          ? null
          : ((await call.deliver.knownBytes(job, 'msgpack.gz')) ?? null),
    })),
  )
}

export async function userName({ access, principal }: Call, { userId }: Pick<Job, 'userId'>): Promise<string> {
  return (await access.userNames(principal)).get(userId ?? 0) ?? ''
}

function urlOf({ headers }: Call, { id }: Job): string {
  return `http://${headers.host ?? 'localhost'}/api/v1/jobs/${id}`
}
