import type { Principal } from '../../access/access.ts'
import type { Job, Jobs } from '../../jobs/jobs.ts'
import { finishedStates } from '../../jobs/jobs.ts'
import type { Delivery, Process } from '../../process/process.ts'
import { apiPrefix } from '../contract/operation.ts'
import { submitQuery } from '../contract/queries.ts'
import { jobJson } from '../job-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireReader } from '../sight.ts'

export function serveQueries(host: OperationHost, queries: Process, jobs: Jobs): void {
  serveOperation(host, submitQuery).with(async ({ principal, headers, body, nobodyWaits }) => {
    requireReader(principal)
    const { deliver_to: target } = body
    const idempotencyKey = body.idempotency_key ?? headers['idempotency-key']
    const { job, existing } = await queries.submitQuery(principal, {
      sql: body.sql,
      database: body.database,
      priority: body.priority,
      ...(body.engine !== undefined && { engine: body.engine }),
      ...(body.retry_limit !== undefined && { retryLimit: body.retry_limit }),
      ...(body.domain_key !== undefined && { domainKey: body.domain_key }),
      ...(body.scheduled_time !== undefined && { scheduledTime: new Date(body.scheduled_time) }),
      ...(target !== undefined && { delivery: deliveryTo(principal, target) }),
      resultFormat: body.result_format,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(body.timeout_seconds !== undefined && { timeoutMs: body.timeout_seconds * 1000 }),
    })
    const waitMs = body.wait_seconds * 1000
    const waitFor = (submitted: Job | undefined) =>
      jobs.wait(principal.accountId, job.id, waitMs, nobodyWaits(), submitted)
    const latest = waitMs === 0 ? job : await waitFor(existing ? undefined : job)
    const finished = waitMs > 0 && finishedStates.has(latest.state)
    return {
      status: finished ? 200 : 202,
      body: jobJson(latest),
      headers: { location: `${apiPrefix}/jobs/${latest.id}` },
    }
  })
}

function deliveryTo(
  principal: Principal,
  { database, table, mode }: Omit<Delivery, 'principal' | 'shownAs'>,
): Delivery {
  return { database, table, mode, principal, shownAs: `td:///${database}/${table}?mode=${mode}` }
}
