import { AppError, isAppError } from '../../base/errors.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import type { QuarantinedRecord } from '../../store/quarantine.ts'
import type { Commit } from '../../store/store.ts'
import { commitSurely } from '../commit-surely.ts'
import type { BulkJobInput } from './bulk-jobs.ts'
import { commitKind } from './bulk-jobs.ts'
import type { ImportRow } from './bulk.sql.ts'
import { holdImport, updateCounts } from './bulk.sql.ts'
import { changeState } from './changes.ts'
import type { ConversionTarget, KeptError } from './conversions.sql.ts'
import { selectChunks, selectConversion, selectErrors } from './conversions.sql.ts'
import { errorRecordsMax } from './limits.ts'
import { keepConversion } from './keep-conversion.ts'
import type { BulkJobOptions } from './perform-job.ts'
import { convertImport, importOfJob } from './perform-job.ts'

/** How often a table may change under a conversion before the job is left to a later attempt. */
const triesMax = 10

/**
 * Files that wait longer for their commit are written anew: the store refuses them after half a day, for it sweeps what nobody
 * refers to.
 */
const freshMs = 11 * 3_600_000

/**
 * Jobs of kind `bulk_commit`: one commit puts all that was converted into the table, under an id that the import has for good, so
 * that it is there once however often it is tried. Where the table's columns changed since, the parts are converted anew.
 */
export function commitJob(options: BulkJobOptions): JobKind {
  return { kind: commitKind, concurrency: options.concurrency, handler: (attempt) => commit(options, attempt) }
}

async function commit(options: BulkJobOptions, attempt: Attempt): Promise<{ rows: number; rejected: number }> {
  const { postgres } = options
  const row = await importOfJob(postgres, attempt)
  if (row.status === 'committing' && row.step === (attempt.job.input as BulkJobInput).step) {
    await commitImport(options, attempt, row)
    await postgres.transaction(async (tx) => {
      const held = await holdImport(tx, row.accountId, row.id)
      if (held !== undefined && held.step === row.step) await changeState(tx, held, 'committed')
    })
  }
  const done = await importOfJob(postgres, attempt)
  return { rows: done.validRecords, rejected: done.errorRecords }
}

async function commitImport(options: BulkJobOptions, attempt: Attempt, row: ImportRow): Promise<void> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    attempt.signal.throwIfAborted()
    const target = await selectConversion(options.postgres, row.id)
    // Counted anew with each conversion.
    const current = await importOfJob(options.postgres, attempt)
    if (target !== undefined && (await commitTo(options, attempt, current, target))) return
    await convertAnew(options, attempt, row)
  }
  throw new AppError('conflict', `The table "${row.database}.${row.table}" changes faster than parts are converted.`)
}

/** Whether it is in the table now. */
async function commitTo(
  options: BulkJobOptions,
  attempt: Attempt,
  row: ImportRow,
  { tableId, schemaVersion, newColumns, convertedAt }: ConversionTarget,
): Promise<boolean> {
  const { store, clock, postgres } = options
  // An earlier attempt may have done it, to a table that was changed or even dropped since.
  if ((await store.appliedIds(row.accountId, tableId, [idOf(row)])).length > 0) return true
  if (clock.nowMs() - convertedAt.getTime() > freshMs) return false
  const commit: Commit = {
    accountId: row.accountId,
    target: { tableId, schemaVersion, newColumns },
    operation: 'import',
    cause: `job:${attempt.job.id}`,
    chunks: await selectChunks(postgres, row.id),
    ids: [{ uniqueId: idOf(row), rows: row.validRecords, quarantined: row.errorRecords }],
    quarantined: (await selectErrors(postgres, row.id, 0, errorRecordsMax * 2)).map((error) => quarantined(row, error)),
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  }
  try {
    const outcome = await commitSurely(store, commit, clock, attempt.signal)
    return outcome === 'committed' || outcome === 'duplicate'
  } catch (error) {
    // The files are too old after all.
    if (isAppError(error, 'conflict')) return false
    throw error
  }
}

async function convertAnew(options: BulkJobOptions, attempt: Attempt, row: ImportRow): Promise<void> {
  const conversion = await convertImport(options, attempt, row)
  await options.postgres.transaction(async (tx) => {
    const held = await holdImport(tx, row.accountId, row.id)
    if (held === undefined || held.step !== row.step || held.status !== 'committing') return
    await keepConversion(tx, row.id, conversion)
    await updateCounts(tx, row.id, conversion)
  })
}

/** By which the commit of an import is known, whichever table of the name it went to. */
function idOf({ id }: ImportRow): string {
  return `bulk:${id}`
}

function quarantined({ id }: ImportRow, { part, reading, ...error }: KeptError): QuarantinedRecord {
  const { recordNumber, byteOffset, reason, detail, raw, rawBytes, objectKey } = error
  const record = { uniqueId: `bulk:${id}/${part}`, recordNumber, byteOffset, reason, detail, raw, rawBytes, objectKey }
  if (reading === null) return record
  // The time is in the records, and a part belongs to an import, not to one of the keys that worked on it.
  return { ...record, source: { ...reading, timeColumn: null, keyId: null, door: 'bulk' } }
}
