import { AppError } from '../../base/errors.ts'
import { applyCommits } from '../apply-commit.ts'
import { selectAppliedIds } from '../commit.sql.ts'
import { alterColumns } from '../schema/alter-columns.ts'
import type { Commit, CommitOutcome } from '../store.ts'
import type { IcebergName } from '../iceberg.ts'
import type { ColumnPlan } from './change-columns.ts'
import { noColumns, planColumns } from './change-columns.ts'
import type { Requirement, TableChange } from './change.ts'
import { requireHolds } from './change.ts'
import type { FileChange } from './foreign-commit.ts'
import { readFileChange } from './foreign-commit.ts'
import { tablePrefix } from './keys.ts'
import type { IcebergPorts, KnownTableRow } from './materialise.ts'
import { columnsOf } from './materialise.ts'
import type { TableMetadata } from './metadata.ts'
import { schemaIdOf } from './schema.ts'
import { planRemoval, setStaged, updateProperties } from './tables.sql.ts'

/** What another engine wants of one table, and what it was shown of it. */
export interface WantedChange {
  readonly table: IcebergName
  readonly row: KnownTableRow
  readonly metadata: TableMetadata
  readonly change: TableChange
  readonly allowed: 'append' | 'everything'
}

/** A change that was looked through: nothing of it is done yet, and what is left to go wrong are other commits. */
interface PlannedChange extends WantedChange {
  readonly files: FileChange
  readonly columns: ColumnPlan
  readonly uniqueIds: readonly string[]
}

const noFiles: FileChange = { added: [], removed: [], read: [] }

/**
 * Applies what another engine committed on what it was shown. The rows of all tables change in one transaction, with the columns
 * that were added for them; the names of the engine's manifest lists make that happen once. Columns that there are change each
 * by itself, and properties follow: both are the same when they are set again.
 */
export async function commitChanges(ports: IcebergPorts, wanted: readonly WantedChange[]): Promise<void> {
  const planned: PlannedChange[] = []
  for (const each of wanted) {
    const plan = await planChange(ports, each)
    if (plan !== undefined) planned.push(plan)
  }
  if (planned.some(({ columns }) => columns.changes.length > 0) && (planned.length > 1 || hasRows(planned))) {
    throw new AppError(
      'invalid_request',
      'Columns that there are cannot be changed together with rows or other tables.',
      {
        hint: 'Commit one after the other.',
      },
    )
  }
  await commitRows(
    ports,
    planned.map(commitOf).filter((commit) => commit !== undefined),
  )
  for (const plan of planned) await follow(ports, plan)
}

const hasRows = (planned: readonly PlannedChange[]): boolean => planned.some(({ uniqueIds }) => uniqueIds.length > 0)

/** Undefined where all of it was committed before. */
async function planChange(ports: IcebergPorts, wanted: WantedChange): Promise<PlannedChange | undefined> {
  const { row, metadata, change } = wanted
  const table = { accountId: row.account_id, tableId: row.id }
  const uniqueIds = change.snapshots.map((snapshot) => `iceberg:${snapshot.manifestList}`)
  const applied = await selectAppliedIds(ports.postgres, table, uniqueIds)
  if (uniqueIds.length > 0 && applied.length === uniqueIds.length) return undefined
  for (const requirement of requirementsOf(change)) {
    const isMadeNow = requirement.kind === 'absent' && row.iceberg.is_staged
    if (!isMadeNow) requireHolds(requirement, metadata)
  }
  requireLocation(ports, row, change)
  if (metadata['current-schema-id'] !== schemaIdOf(row.schema_version)) throw outdated('its columns changed')
  const known = columnsOf(row)
  const columns = change.fields === undefined ? noColumns : planColumns(known, row.next_field_id, change.fields)
  const present = change.snapshots.at(-1)
  const files =
    present === undefined
      ? noFiles
      : await readFileChange(ports, row, [...known, ...columns.added], present.manifestList)
  const planned = { ...wanted, files, columns, uniqueIds }
  requireAllowed(planned)
  return planned
}

/** What a snapshot lists is all that is to be there: one that was written on another would take away what came since. */
function requirementsOf({ requirements, snapshots: [first] }: TableChange): readonly Requirement[] {
  return first === undefined ? requirements : [...requirements, { kind: 'ref', ref: 'main', snapshot: first.parent }]
}

function commitOf({ row, files, columns, uniqueIds }: PlannedChange): Commit | undefined {
  const isExternal = uniqueIds.length > 0
  if (!isExternal && columns.added.length === 0) return undefined
  const rows = files.added.reduce((sum, chunk) => sum + chunk.rows, 0)
  const ids = isExternal ? uniqueIds : [`iceberg:columns of version ${row.schema_version + 1}`]
  return {
    accountId: row.account_id,
    target: { tableId: row.id, schemaVersion: row.schema_version, newColumns: columns.added },
    operation: isExternal ? 'external' : 'alter',
    cause: 'iceberg',
    chunks: files.added,
    removed: files.removed,
    ids: ids.map((uniqueId, index) => ({ uniqueId, rows: index === 0 ? rows : 0, quarantined: 0 })),
    quarantined: [],
  }
}

async function commitRows({ postgres, clock }: IcebergPorts, commits: readonly Commit[]): Promise<void> {
  if (commits.length === 0) return
  const all = await applyCommits(postgres, clock, commits)
  if (all.kind === 'undone') requireDone(all.outcome)
}

/** Of a commit that was sent twice at once, the other one may have got its way. */
function requireDone(outcome: CommitOutcome): void {
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

/** What is the same when it is done again. */
async function follow(ports: IcebergPorts, { table, row, change, files, columns }: PlannedChange): Promise<void> {
  const { postgres, clock, graceMs } = ports
  if (columns.changes.length > 0) {
    await alterColumns(postgres, { accountId: row.account_id, name: table, changes: columns.changes })
  }
  if (Object.keys(change.setProperties).length > 0 || change.removedProperties.length > 0) {
    await updateProperties(postgres, row.id, change.setProperties, change.removedProperties)
  }
  if (row.iceberg.is_staged) await setStaged(postgres, row.id, false)
  if (files.read.length > 0) await planRemoval(postgres, files.read, new Date(clock.nowMs() + graceMs))
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
function requireAllowed({ allowed, change, files, columns }: PlannedChange): void {
  if (allowed === 'everything') return
  const properties = Object.keys(change.setProperties).length + change.removedProperties.length
  if (files.removed.length + columns.added.length + columns.changes.length + properties === 0) return
  throw new AppError('forbidden', 'This key may add rows to the table, and not change what is there.', {
    hint: 'Use a key with the permission full.',
  })
}
