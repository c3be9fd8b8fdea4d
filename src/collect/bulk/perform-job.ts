import type { Postgres } from '../../base/postgres/postgres.ts'
import { must } from '../../base/errors.ts'
import type { Attempt, JobKind } from '../../jobs/jobs.ts'
import { importLimitsDefault } from '../import-table.ts'
import type { ImportLimits, ImportTools } from '../import-table.ts'
import type { BulkJobInput, PerformSummary } from './bulk-jobs.ts'
import { performKind } from './bulk-jobs.ts'
import type { ImportRow } from './bulk.sql.ts'
import { holdImport, selectImportById, selectParts, updateCounts } from './bulk.sql.ts'
import { changeState, importNotFound } from './changes.ts'
import type { Conversion } from './convert-parts.ts'
import { convertParts } from './convert-parts.ts'
import { keepConversion } from './keep-conversion.ts'

/** Of one group: a part may inflate to many times what a body has. */
const groupTimeoutMs = 3_600_000

export interface BulkJobOptions extends ImportTools {
  readonly postgres: Postgres
  /** How many jobs run at once. */
  readonly concurrency: number
  readonly limits?: Partial<ImportLimits>
}

/**
 * Jobs of kind `bulk_import`: convert the parts of an import, and keep what came of them. An attempt that is repeated begins
 * anew; of what an earlier one had uploaded nobody knows, and it is swept.
 */
export function performJob(options: BulkJobOptions): JobKind {
  return { kind: performKind, concurrency: options.concurrency, handler: (attempt) => perform(options, attempt) }
}

async function perform(options: BulkJobOptions, attempt: Attempt): Promise<PerformSummary> {
  const row = await importOfJob(options.postgres, attempt)
  if (row.status === 'performing' && row.step === (attempt.job.input as BulkJobInput).step) {
    const conversion = await convertImport(options, attempt, row)
    await options.postgres.transaction(async (tx) => {
      const held = await holdImport(tx, row.accountId, row.id)
      // Another attempt was here first, or somebody deleted the import.
      if (held === undefined || held.step !== row.step || held.status !== 'performing') return
      await keepConversion(tx, row.id, conversion)
      await updateCounts(tx, row.id, conversion)
      // It may be done before whoever submitted it could note which job it is.
      await changeState(tx, { ...held, jobId: attempt.job.id }, 'performed')
    })
  }
  const done = await importOfJob(options.postgres, attempt)
  const parts = done.validParts + done.errorParts
  return { parts, rows: done.validRecords, rejected: done.errorRecords, unreadable: done.errorParts }
}

/** The import that the job is about. Fails with `bulk_import_not_found`, and is not tried again, where it was deleted. */
export async function importOfJob(postgres: Postgres, { job }: Attempt): Promise<ImportRow> {
  const { importId } = job.input as BulkJobInput
  const row = await selectImportById(postgres, must(job.accountId, 'bulk imports belong to accounts'), importId)
  if (row === undefined) throw importNotFound(`${importId}`)
  return row
}

/** Converts the parts for the table as it is now. */
export async function convertImport(options: BulkJobOptions, attempt: Attempt, row: ImportRow): Promise<Conversion> {
  const { store, postgres } = options
  const table = await store.table(row.accountId, row.database, row.table)
  const parts = await selectParts(postgres, row.id)
  const limits = { ...importLimitsDefault, timeoutMs: groupTimeoutMs, ...options.limits }
  return await convertParts({ ...options, limits, attempt, importId: row.id, table, parts })
}
