import { AppError } from '../../base/errors.ts'
import { applyCommit } from '../apply-commit.ts'
import { selectAppliedIds } from '../commit.sql.ts'
import type { Column } from '../store.ts'
import { addedColumns } from './change-columns.ts'
import type { Requirement, TableChange } from './change.ts'
import { requireHolds } from './change.ts'
import type { FileChange } from './foreign-commit.ts'
import { readFileChange } from './foreign-commit.ts'
import { tablePrefix } from './keys.ts'
import type { IcebergPorts, KnownTableRow } from './materialise.ts'
import { columnsOf } from './materialise.ts'
import type { TableMetadata } from './metadata.ts'
import { planRemoval, updateProperties } from './tables.sql.ts'

const noFiles: FileChange = { added: [], removed: [], read: [] }

/**
 * Applies what another engine committed on `metadata`, which is what it was shown. Rows and columns change in one commit of the
 * store, which the names of the engine's manifest lists make happen once; properties follow, and are the same when set again.
 */
export async function commitChange(
  ports: IcebergPorts,
  row: KnownTableRow,
  metadata: TableMetadata,
  change: TableChange,
  allowed: 'append' | 'everything',
): Promise<void> {
  const table = { accountId: row.account_id, tableId: row.id }
  const uniqueIds = change.snapshots.map((snapshot) => `iceberg:${snapshot.manifestList}`)
  const applied = await selectAppliedIds(ports.postgres, table, uniqueIds)
  if (uniqueIds.length > 0 && applied.length === uniqueIds.length) return
  for (const requirement of requirementsOf(change)) requireHolds(requirement, metadata)
  requireLocation(ports, row, change)
  if (metadata['current-schema-id'] !== row.schema_version) throw outdated('its columns changed')
  const columns = columnsOf(row)
  const newColumns = change.fields === undefined ? [] : addedColumns(columns, row.next_field_id, change.fields)
  const present = change.snapshots.at(-1)
  const files =
    present === undefined
      ? noFiles
      : await readFileChange(ports, row, [...columns, ...newColumns], present.manifestList)
  requireAllowed(change, newColumns, files, allowed)
  if (present !== undefined || newColumns.length > 0) {
    await commitRows(ports, row, newColumns, files, uniqueIds)
    await planRemoval(ports.postgres, files.read, new Date(ports.clock.nowMs() + ports.graceMs))
  }
  if (Object.keys(change.setProperties).length > 0 || change.removedProperties.length > 0) {
    await updateProperties(ports.postgres, row.id, change.setProperties, change.removedProperties)
  }
}

/** What a snapshot lists is all that is to be there: one that was written on another would take away what came since. */
function requirementsOf({ requirements, snapshots: [first] }: TableChange): readonly Requirement[] {
  return first === undefined ? requirements : [...requirements, { kind: 'ref', ref: 'main', snapshot: first.parent }]
}

async function commitRows(
  ports: IcebergPorts,
  row: KnownTableRow,
  newColumns: readonly Column[],
  { added, removed }: FileChange,
  uniqueIds: readonly string[],
): Promise<void> {
  const rows = added.reduce((sum, chunk) => sum + chunk.rows, 0)
  const ids = uniqueIds.length > 0 ? uniqueIds : [`iceberg:columns of version ${row.schema_version + 1}`]
  const outcome = await applyCommit(ports.postgres, ports.clock, {
    accountId: row.account_id,
    target: { tableId: row.id, schemaVersion: row.schema_version, newColumns },
    operation: uniqueIds.length > 0 ? 'external' : 'alter',
    cause: 'iceberg',
    chunks: added,
    removed,
    ids: ids.map((uniqueId, index) => ({ uniqueId, rows: index === 0 ? rows : 0, quarantined: 0 })),
    quarantined: [],
  })
  switch (outcome.kind) {
    case 'committed':
    case 'duplicate':
      return
    case 'conflict':
      throw outdated('files that the commit removes are no longer in it')
    case 'schema_changed':
      throw outdated('its columns changed')
    case 'table_dropped':
      throw new AppError('table_not_found', 'The table was dropped before the commit.')
  }
}

function outdated(reason: string): AppError {
  return new AppError('conflict', `The table is not as the commit takes it to be: ${reason}.`, {
    hint: 'Load the table again, and commit on what it is now.',
  })
}

function requireLocation(ports: IcebergPorts, row: KnownTableRow, { location }: TableChange): void {
  const own = tablePrefix({ accountId: row.account_id, tableId: row.id })
  if (location === undefined || ports.address.keyOf(location.replace(/\/$/, '')) === own) return
  throw new AppError('invalid_request', `The table cannot be moved to ${location}.`, {
    hint: 'Tables lie in the object store of the server.',
  })
}

/** Who may only import may add rows; whatever changes what is there needs everything. */
function requireAllowed(
  change: TableChange,
  newColumns: readonly Column[],
  files: FileChange,
  allowed: 'append' | 'everything',
): void {
  if (allowed === 'everything') return
  const properties = Object.keys(change.setProperties).length + change.removedProperties.length
  if (files.removed.length + newColumns.length + properties === 0) return
  throw new AppError('forbidden', 'This key may add rows to the table, and not change what is there.', {
    hint: 'Use a key with the permission full.',
  })
}
