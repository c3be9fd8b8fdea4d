import type { Access, Principal } from '../../access/access.ts'
import { AppError } from '../../base/errors.ts'
import type { DeadLetterFilter, DeadLetters } from '../../jobs/dead-letters.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import type { Limit, Limits } from '../../jobs/limits.ts'
import type { WaitingReason } from '../../jobs/waiting-reason.ts'
import { aheadMax } from '../../jobs/waiting-reason.ts'
import type { Workers } from '../../jobs/workers.ts'
import {
  explainJob,
  listDeadJobs,
  listDeadLetters,
  listLimits,
  listWorkers,
  pauseLimit,
  putLimit,
  redriveJobs,
  removeLimit,
} from '../contract/queue.ts'
import { idOfCursor, pageOf } from '../cursor.ts'
import { jobJson } from '../job-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { visibleJob } from './jobs.ts'

export interface QueueParts {
  readonly access: Access
  readonly jobs: Jobs
  readonly limits: Limits
  readonly deadLetters: DeadLetters
  readonly workers: Workers
}

/** What those who keep the queue going look at and turn. */
export function serveQueue(host: OperationHost, parts: QueueParts): void {
  serveOperation(host, explainJob).with(async ({ principal, params }) => {
    const { id } = await visibleJob(parts.jobs, principal, params.job)
    const waiting = await parts.jobs.explain(principal.accountId, id)
    const reasons = (waiting?.reasons ?? []).map(reasonJson)
    return { status: 200, body: { id, position: waiting?.position ?? null, reasons } }
  })

  serveOperation(host, listWorkers).with(async ({ principal }) => {
    parts.access.requireAdministrator(principal)
    const items = (await parts.workers.list()).map(({ startedAt, seenAt, jobIds, ...worker }) => ({
      ...worker,
      kinds: [...worker.kinds],
      started_at: startedAt.toISOString(),
      seen_at: seenAt.toISOString(),
      jobs: jobIds.length,
    }))
    return { status: 200, body: { items, next_cursor: null } }
  })
  serveLimits(host, parts)
  serveDeadLetters(host, parts)
}

function serveLimits(host: OperationHost, { access, limits }: QueueParts): void {
  serveOperation(host, listLimits).with(async ({ principal }) => {
    access.requireAdministrator(principal)
    const items = (await limits.list(scopeOf(principal))).map(limitJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, putLimit).with(async ({ principal, body: { key, slots } }) => {
    access.requireAdministrator(principal)
    return { status: 200, body: limitJson(await limits.set(settingScopeOf(principal, key), key, slots)) }
  })

  serveOperation(host, removeLimit).with(async ({ principal, body: { key } }) => {
    access.requireAdministrator(principal)
    return { status: 200, body: limitJson(await limits.remove(settingScopeOf(principal, key), key)) }
  })

  serveOperation(host, pauseLimit).with(async ({ principal, body: { key, until } }) => {
    access.requireAdministrator(principal)
    const limit = await limits.pause(settingScopeOf(principal, key), key, until === null ? null : new Date(until))
    return { status: 200, body: limitJson(limit) }
  })
}

/** The first account is that of whoever installed Biwa: its administrators are the operators, and may set all limits. */
const operatorsAccount = 1

function scopeOf({ accountId }: Principal): number | null {
  return accountId === operatorsAccount ? null : accountId
}

/** As `scopeOf`; what the operators allow an account or a kind, no account may allow itself. */
function settingScopeOf(principal: Principal, key: string): number | null {
  const scope = scopeOf(principal)
  if (scope === null || !/^(account|kind):/.test(key)) return scope
  throw new AppError('forbidden', `The limit "${key}" is set by the operators of the server.`, {
    hint: `Administrators of the account set workgroup:${scope}/… and resource:${scope}/….`,
  })
}

function serveDeadLetters(host: OperationHost, { access, deadLetters }: QueueParts): void {
  serveOperation(host, listDeadLetters).with(async ({ principal }) => {
    access.requireAdministrator(principal)
    const groups = await deadLetters.groups(principal.accountId)
    const items = groups.map(({ fingerprint, kind, count, firstAt, lastAt, error, jobId }) => ({
      fingerprint,
      kind,
      count,
      first_at: firstAt.toISOString(),
      last_at: lastAt.toISOString(),
      error_code: error.code,
      error_message: error.message,
      job_id: jobId,
    }))
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, listDeadJobs).with(async ({ principal, query }) => {
    access.requireAdministrator(principal)
    const before = idOfCursor(query.cursor)
    const page = { limit: query.limit + 1, ...(before !== undefined && { before }) }
    const { rows, nextCursor } = pageOf(await deadLetters.list(filterOf(principal, query), page), query.limit)
    return { status: 200, body: { items: rows.map(jobJson), next_cursor: nextCursor } }
  })

  serveOperation(host, redriveJobs).with(async ({ principal, body }) => {
    access.requireAdministrator(principal)
    const how = { dryRun: body.dry_run, actor: `user:${principal.userId}` }
    const { ids, more } = await deadLetters.redrive(filterOf(principal, body), how)
    return { status: 200, body: { ids: [...ids], more } }
  })
}

interface FilterFields {
  readonly fingerprint?: string | undefined
  readonly kind?: string | undefined
  readonly ids?: number[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

function filterOf({ accountId }: Principal, { fingerprint, kind, ids, since, until }: FilterFields): DeadLetterFilter {
  return {
    accountId,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(kind !== undefined && { kind }),
    ...(ids !== undefined && { ids }),
    ...(since !== undefined && { since: new Date(since) }),
    ...(until !== undefined && { until: new Date(until) }),
  }
}

function reasonJson(reason: WaitingReason) {
  if (reason.reason === 'behind') return { ...reason, at_least: reason.ahead >= aheadMax }
  return 'until' in reason ? { ...reason, until: reason.until.toISOString() } : reason
}

function limitJson({ key, slots, used, pausedUntil }: Limit) {
  return { key, slots, used, paused_until: pausedUntil?.toISOString() ?? null }
}
