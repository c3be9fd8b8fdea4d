import { AppError } from '../../../base/errors.ts'
import type { QueryEngine, QueryRequest } from '../../../process/process.ts'
import { choiceParameter, momentParameter, wholeParameter } from '../parameters.ts'
import { factsOf, listedFactsOf, requireJobSight, requireReader, visibleJob } from '../job-facts.ts'
import { listedJson, shownJson, shownKinds, statesOf, statusJson, tdStateOf, tdStates } from '../job-json.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { readResultUrl, refuseConnections } from '../result-url.ts'
import { param } from '../sight.ts'

/** Which engine runs queries of a type. Both understand the same SQL. */
const engines: Readonly<Record<string, QueryEngine>> = { presto: 'interactive', trino: 'interactive', hive: 'batch' }

/** The engine of the type. Fails with `not_supported` for jobs of another kind. */
export function engineOfType(type: string): QueryEngine {
  const engine = Object.hasOwn(engines, type) ? engines[type] : undefined
  if (engine !== undefined) return engine
  throw new AppError('not_supported', `Jobs of the type ${JSON.stringify(type.slice(0, 100))} are not there yet.`, {
    hint: `Queries are of the type ${Object.keys(engines).join(', ')}.`,
  })
}

/** What is asked for beside the query, by whichever operation. */
export function boundsOf(call: Call): Pick<QueryRequest, 'priority' | 'retryLimit'> {
  const priority = wholeParameter(call, 'priority', { min: -2, max: 2 })
  const retryLimit = wholeParameter(call, 'retry_limit', { min: 0, max: 32 })
  return { ...(priority !== undefined && { priority }), ...(retryLimit !== undefined && { retryLimit }) }
}

const issueJob = operation('POST', '/job/issue/{type}/{database}', async (call) => {
  requireReader(call)
  const { principal, form } = call
  const [type, database] = [param(call, 'type'), param(call, 'database')]
  const engine = engineOfType(type)
  refuseConnections(call)
  await call.access.require(principal, database, 'query')
  await call.store.database(principal.accountId, database)
  const scheduledTime = momentParameter(call, 'scheduled_time')
  const domainKey = form['domain_key'] ?? ''
  const delivery = await readResultUrl(call, form['result'])
  const { job } = await call.process.submitQuery(principal, {
    sql: form['query'] ?? '',
    database,
    engine,
    submittedAs: type,
    ...boundsOf(call),
    ...(scheduledTime !== undefined && { scheduledTime }),
    ...(domainKey !== '' && { domainKey }),
    ...(delivery !== undefined && { delivery }),
  })
  return { body: { job: String(job.id), job_id: String(job.id), database } }
})

const jobStatus = operation('GET', '/job/status/{job}', async (call) => ({
  body: statusJson(await factsOf(call, await visibleJob(call))),
}))

const statusByDomainKey = operation('GET', '/job/status_by_domain_key/{key}', async (call) => {
  requireReader(call)
  const job = await call.jobs.ofDomainKey(call.principal.accountId, param(call, 'key'))
  return { body: statusJson(await factsOf(call, requireJobSight(call, job))) }
})

const showJob = operation('GET', '/job/show/{job}', async (call) => ({
  body: shownJson(await factsOf(call, await visibleJob(call))),
}))

const listedByDefault = 20
const listedMax = 5000

const listJobs = operation('GET', '/job/list', async (call) => {
  requireReader(call)
  const { principal } = call
  const from = wholeParameter(call, 'from', { min: 0, max: 1_000_000 }) ?? 0
  const to = wholeParameter(call, 'to', { min: from, max: from + listedMax - 1 }) ?? from + listedByDefault - 1
  const status = choiceParameter(call, 'status', tdStates)
  const secondsMin = wholeParameter(call, 'slower_than', { min: 0, max: 1e9 })
  const jobs = await call.jobs.list({
    accountId: principal.accountId,
    kind: shownKinds,
    offset: from,
    // Both ends are in the list.
    limit: to - from + 1,
    ...(principal.role === 'member' && { userId: principal.userId }),
    ...(status !== undefined && { state: statesOf[status] }),
    ...(secondsMin !== undefined && { secondsMin }),
  })
  const listed = (await listedFactsOf(call, jobs)).map(listedJson)
  return { body: { jobs: listed, count: listed.length, from, to } }
})

const killJob = operation('POST', '/job/kill/{job}', async (call) => {
  const job = await visibleJob(call)
  const state = await call.jobs.kill(call.principal.accountId, job.id, `user:${call.principal.userId}`)
  return { body: { former_status: tdStateOf({ ...job, state }), job_id: String(job.id) } }
})

/** Puts a result that there is into a table, as a job of its own. */
const exportResult = operation('POST', '/job/result_export/{job}', async (call) => {
  const query = await visibleJob(call)
  refuseConnections(call)
  const delivery = await readResultUrl(call, call.form['result'])
  if (delivery === undefined) {
    throw new AppError('invalid_request', 'The parameter “result” is missing.', {
      hint: 'Say where the result is to go: td:///database/table?mode=append.',
    })
  }
  const { principal, database, mode } = delivery
  await call.access.require(principal, database, mode === 'replace' ? 'full' : 'import')
  const { id } = await call.deliver.exportResult(call.principal, query, delivery)
  return { body: { job_id: String(id) } }
})

export const jobOperations: readonly Operation[] = [
  issueJob,
  jobStatus,
  statusByDomainKey,
  showJob,
  listJobs,
  killJob,
  exportResult,
]
