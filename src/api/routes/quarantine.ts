import type { Access } from '../../access/access.ts'
import { AppError } from '../../base/errors.ts'
import { requireName } from '../../base/names.ts'
import type { Replays } from '../../collect/replay.ts'
import type { MeantTable, Quarantine, QuarantineFilter, QuarantineItem } from '../../store/quarantine.ts'
import { apiPrefix } from '../contract/operation.ts'
import {
  deleteQuarantine,
  fixQuarantine,
  getQuarantined,
  getQuarantinedBytes,
  listQuarantineReasons,
  replayQuarantine,
} from '../contract/quarantine.ts'
import { jobJson } from '../job-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { bytesOf, editor } from './quarantine-edits.ts'

export interface QuarantineParts {
  readonly access: Access
  readonly quarantine: Quarantine
  readonly replays: Replays
}

/** What could not be read: looking at it, mending it, reading it again. Records outlive their table, so it is not asked for. */
export function serveQuarantine(host: OperationHost, parts: QuarantineParts): void {
  serveLooking(host, parts)
  serveMending(host, parts)
}

function serveLooking(host: OperationHost, { access, quarantine }: QuarantineParts): void {
  serveOperation(host, listQuarantineReasons).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'query')
    const reasons = await quarantine.reasons(principal.accountId, tableOf(params))
    const items = reasons.map(({ firstAt, lastAt, ...counts }) => ({
      ...counts,
      first_at: firstAt.toISOString(),
      last_at: lastAt.toISOString(),
    }))
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, getQuarantined).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'query')
    return { status: 200, body: itemJson(await quarantine.item(principal.accountId, tableOf(params), params.record)) }
  })

  serveOperation(host, getQuarantinedBytes).with(async ({ principal, params, header }) => {
    await access.require(principal, params.database, 'query')
    const record = await quarantine.bytes(principal.accountId, tableOf(params), params.record)
    header('content-length', String(record.length))
    // It is whatever somebody sent: no browser is to take it for a page.
    header('content-disposition', `attachment; filename="${params.record}"`)
    header('x-content-type-options', 'nosniff')
    return { status: 200, body: await record.stream(), headers: { 'content-type': 'application/octet-stream' } }
  })
}

/** Mending decides what the rows will be, and deleting that there will be none: it takes the right to everything in the database. */
function serveMending(host: OperationHost, { access, quarantine, replays }: QuarantineParts): void {
  serveOperation(host, fixQuarantine).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const filter = filterOf(body)
    const { raw, raw_encoding: encoding, edits = [], format, time_column: timeColumn, after, dry_run: dryRun } = body
    if (raw !== undefined && body.ids?.length !== 1) throw onlyOne()
    const bytes = raw === undefined ? editor(edits) : () => bytesOf(raw, encoding)
    const fix = { bytes, format, encoding: body.encoding, timeColumn }
    const outcome = await quarantine.fix(principal, tableOf(params), filter, fix, { after, dryRun })
    const { matched, changed, tooLarge, next } = outcome
    return { status: 200, body: { matched, changed, too_large: tooLarge, next } }
  })

  serveOperation(host, replayQuarantine).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const job = await replays.submit(principal, tableOf(params), filterOf(body))
    return { status: 202, body: jobJson(job), headers: { location: `${apiPrefix}/jobs/${job.id}` } }
  })

  serveOperation(host, deleteQuarantine).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const deleted = await quarantine.remove(principal.accountId, tableOf(params), filterOf(body))
    return { status: 200, body: { deleted } }
  })
}

/** No record can be meant for a table that may not be. */
function tableOf({ database, table }: { readonly database: string; readonly table: string }): MeantTable {
  return { database: requireName('database', database), name: requireName('table', table) }
}

interface Those {
  readonly ids?: readonly number[] | undefined
  readonly reason?: string | undefined
  readonly unique_id?: string | undefined
  readonly all: boolean
}

/** Nobody changes everything by having forgotten something. */
function filterOf({ ids, reason, unique_id: uniqueId, all }: Those): QuarantineFilter {
  if (all || ids !== undefined || reason !== undefined || uniqueId !== undefined) return { ids, reason, uniqueId }
  throw new AppError('invalid_request', 'It is not said which records are meant.', {
    hint: 'Give ids, reason or unique_id, or all: true.',
  })
}

function onlyOne(): AppError {
  return new AppError('invalid_request', 'New bytes are for one record.', {
    hint: 'Give one id. With edits, many records are mended at once.',
  })
}

function itemJson({ source, history, quarantinedAt, ...item }: QuarantineItem) {
  return {
    id: item.id,
    unique_id: item.uniqueId,
    record_number: item.recordNumber,
    byte_offset: item.byteOffset,
    reason: item.reason,
    detail: item.detail,
    raw_bytes: item.rawBytes,
    fixed_bytes: item.fixedBytes,
    format: source?.format ?? null,
    encoding: source?.encoding ?? null,
    time_column: source?.timeColumn ?? null,
    key_id: source?.keyId ?? null,
    door: source?.door ?? null,
    revision: item.revision,
    history: history.map(({ what, at, userId = null, jobId = null, reason = null, detail = null }) => {
      return { what, at, user_id: userId, job_id: jobId, reason, detail }
    }),
    quarantined_at: quarantinedAt.toISOString(),
  }
}
