import { AppError } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import type { ImportRow } from './bulk.sql.ts'
import { holdImport, updateCounts, updateImport } from './bulk.sql.ts'
import { deleteConversion } from './conversions.sql.ts'
import type { BulkCommand, BulkEvent } from './states.ts'
import { stateAfter } from './states.ts'

/** The import as it is after the command. Fails with `bulk_import_state` where its state does not allow it. */
export async function obey(tx: Queryable, row: ImportRow, command: BulkCommand): Promise<ImportRow> {
  const held = await holdImport(tx, row.accountId, row.id)
  if (held === undefined) throw importNotFound(row.name)
  const changed = await changeState(tx, held, command)
  if (changed === undefined) throw notNow(held, command)
  return changed
}

/** Undefined where the event cannot happen in the state of the import, which the transaction holds. */
export async function changeState(tx: Queryable, held: ImportRow, event: BulkEvent): Promise<ImportRow | undefined> {
  const { status, frozen } = held
  const next = stateAfter({ status, frozen }, event)
  if (next === undefined) return undefined
  if (next.status === status && next.frozen === frozen) return held
  const isStep = next.status === 'performing' || next.status === 'committing'
  const step = isStep && next.status !== status ? { step: held.step + 1, stepJobId: null } : {}
  // A conversion belongs to the parts as they were frozen.
  const isOver = event === 'unfreeze' || event === 'perform'
  if (isOver) {
    await deleteConversion(tx, held.id)
    await updateCounts(tx, held.id, noCounts)
  }
  const changed: ImportRow = { ...held, ...next, ...step, ...(isOver && { ...noCounts, jobId: null }) }
  await updateImport(tx, held.id, changed)
  return changed
}

const noCounts = { validRecords: 0, errorRecords: 0, validParts: 0, errorParts: 0 }

export function importNotFound(name: string): AppError {
  return new AppError('bulk_import_not_found', `There is no bulk import ${JSON.stringify(name)}.`, {
    hint: 'It may have been deleted, or never made. List the bulk imports to see which there are.',
  })
}

const wanted: Readonly<Record<BulkCommand, string>> = {
  change_parts: 'takes no change of its parts',
  freeze: 'cannot be frozen',
  unfreeze: 'cannot be unfrozen',
  perform: 'cannot be performed',
  commit: 'cannot be committed',
  delete: 'cannot be deleted',
}

function notNow({ name, status, frozen }: ImportRow, command: BulkCommand): AppError {
  const state = status === 'uploading' && frozen ? 'uploading, and frozen' : status
  return new AppError(
    'bulk_import_state',
    `The bulk import ${JSON.stringify(name)} ${wanted[command]}: it is ${state}.`,
    {
      hint: hints[status],
    },
  )
}

const hints: Readonly<Record<ImportRow['status'], string>> = {
  uploading: 'Upload parts while it is not frozen; then freeze, perform and commit it.',
  performing: 'Wait until its job is done, then commit it or unfreeze it.',
  ready: 'Commit it, or unfreeze it to change its parts.',
  committing: 'Wait until it is committed.',
  committed: 'It is in its table. Delete it, and make another one for further parts.',
}
