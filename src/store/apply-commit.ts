import type { Clock } from '../base/clock.ts'
import { AppError, assert } from '../base/errors.ts'
import { requireColumnName, requireName } from '../base/names.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import { holdDatabase, insertColumns, insertTable } from './catalog.sql.ts'
import { orphanAgeMs, parseChunkKey } from './chunk-keys.ts'
import { insertChunks } from './chunks.sql.ts'
import { assignFieldIds, firstFieldId } from './columns.ts'
import {
  advanceTable,
  holdLease,
  insertAppliedIds,
  insertArrival,
  lockTable,
  selectAppliedIds,
  selectTableOfIds,
} from './commit.sql.ts'
import { keepRecords } from './quarantine.ts'
import { storableStatistics } from './statistics.ts'
import type { Column, Commit, CommitOutcome } from './store.ts'
import { formatType } from './types.ts'

/** The table that a commit is about, held by the transaction. */
interface HeldTable {
  readonly id: number
  readonly database: string
  readonly name: string
  /** The snapshot that this commit makes. */
  readonly snapshot: number
  readonly schemaVersion: number
  readonly nextFieldId: number
}

/** Ends the transaction without any change, for an outcome that is no failure. */
class Undone extends Error {
  readonly outcome: CommitOutcome

  constructor(outcome: CommitOutcome) {
    super(outcome.kind)
    this.outcome = outcome
  }
}

/**
 * Applies a commit in one transaction. The commit point is PostgreSQL's own: before its COMMIT is durable nothing has
 * happened, and afterwards everything has. A connection lost in between leaves the caller with `database_unavailable`
 * and without an answer. It repeats the commit, and the ids tell: they are found, and the outcome is `duplicate`.
 */
export async function applyCommit(postgres: Postgres, clock: Clock, commit: Commit): Promise<CommitOutcome> {
  checkCommit(commit, clock)
  try {
    return await postgres.transaction(async (tx) => {
      // Locks are taken in one order everywhere, database, table, job, so that nobody waits in a circle.
      const table = await holdTarget(tx, commit)
      await requireLease(tx, commit)
      await applyIds(tx, commit, table)
      const nextFieldId = await applyColumns(tx, commit, table)
      await applyRows(tx, commit, table, nextFieldId)
      return { kind: 'committed', tableId: table.id, snapshot: table.snapshot }
    })
  } catch (error) {
    if (error instanceof Undone) return error.outcome
    throw error
  }
}

/** What a caller has to get right by itself. */
function checkCommit(commit: Commit, clock: Clock): void {
  const ids = new Set(commit.ids.map((applied) => applied.uniqueId))
  assert(ids.size > 0, 'a commit carries a unique id, by which its repetition is told')
  assert(ids.size === commit.ids.length, 'a commit names each unique id once')
  for (const chunk of commit.chunks) {
    const { from, to } = chunk.timeRange
    assert(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to, 'a chunk has a finite time range')
    const key = parseChunkKey(chunk.objectKey)
    assert(key?.id === chunk.id && key.accountId === commit.accountId, 'a chunk has the key that newChunk gave it')
    // The sweep takes uploads of that age for abandoned. Half of it is a wide berth for clocks that differ.
    if (key.madeMs > clock.nowMs() - orphanAgeMs / 2) continue
    throw new AppError('conflict', `The file of chunk ${chunk.id} was written too long ago to be committed.`, {
      hint: 'Write the file anew, under a new id.',
    })
  }
}

async function holdTarget(tx: Queryable, commit: Commit): Promise<HeldTable> {
  if ('create' in commit.target) return await createTarget(tx, commit, commit.target.create)
  const locked = await lockTable(tx, commit.accountId, commit.target.tableId)
  if (locked === undefined || locked.dropped) throw new Undone({ kind: 'table_dropped' })
  return {
    id: locked.id,
    database: locked.database,
    name: locked.name,
    snapshot: locked.snapshot + 1,
    schemaVersion: locked.schema_version,
    nextFieldId: locked.next_field_id,
  }
}

async function createTarget(
  tx: Queryable,
  commit: Commit,
  create: { readonly databaseId: number; readonly name: string; readonly columns: readonly Column[] },
): Promise<HeldTable> {
  const { accountId } = commit
  const { databaseId, columns } = create
  const name = requireName('table', create.name)
  const database = await holdDatabase(tx, accountId, { id: databaseId })
  if (database === undefined) {
    throw new AppError('database_not_found', `The database of the new table "${name}" does not exist any more.`)
  }
  const { nextFieldId } = checkedColumns(columns, firstFieldId)
  const id = await insertTable(tx, { accountId, databaseId, name, nextFieldId })
  if (id === undefined) throw await nameTaken(tx, commit, database, name)
  if (columns.length > 0) await insertColumns(tx, { accountId, tableId: id }, notated(columns))
  return { id, database: database.name, name, snapshot: 1, schemaVersion: 1, nextFieldId }
}

/** The name may be taken by this very commit, of which an earlier attempt got no answer. */
async function nameTaken(
  tx: Queryable,
  commit: Commit,
  database: { id: number; name: string },
  name: string,
): Promise<Error> {
  const uniqueIds = commit.ids.map((applied) => applied.uniqueId)
  const existing = await selectTableOfIds(tx, database.id, name, uniqueIds)
  if (existing?.applied === true) {
    const table = { accountId: commit.accountId, tableId: existing.id }
    return new Undone({ kind: 'duplicate', known: await selectAppliedIds(tx, table, uniqueIds) })
  }
  return new AppError('already_exists', `The table "${database.name}.${name}" exists already.`, {
    hint: 'Choose another name, drop the table first, or add the rows with INSERT INTO.',
  })
}

async function requireLease(tx: Queryable, commit: Commit): Promise<void> {
  if (commit.fence === undefined || (await holdLease(tx, commit.fence))) return
  throw new AppError('lease_lost', `Job ${commit.fence.jobId} is no longer run by this attempt; nothing was committed.`)
}

/** Known ids come first: after a commit without an answer, a changed schema is this commit's own doing. */
async function applyIds(tx: Queryable, commit: Commit, held: HeldTable): Promise<void> {
  const table = { accountId: commit.accountId, tableId: held.id, snapshot: held.snapshot }
  const applied = new Set(await insertAppliedIds(tx, table, commit.ids))
  if (applied.size === commit.ids.length) return
  const known = commit.ids.map((id) => id.uniqueId).filter((id) => !applied.has(id))
  throw new Undone({ kind: 'duplicate', known: await selectAppliedIds(tx, table, known) })
}

/**
 * Adds the new columns. Only they can conflict: columns are never dropped or given another type, so files without new
 * columns fit every later schema. Returns the table's next field id where it changed.
 */
async function applyColumns(tx: Queryable, commit: Commit, held: HeldTable): Promise<number | null> {
  if ('create' in commit.target || commit.target.newColumns.length === 0) return null
  const { newColumns, schemaVersion } = commit.target
  if (schemaVersion !== held.schemaVersion) throw new Undone({ kind: 'schema_changed' })
  const { nextFieldId } = checkedColumns(newColumns, held.nextFieldId)
  await insertColumns(tx, { accountId: commit.accountId, tableId: held.id }, notated(newColumns))
  return nextFieldId
}

function checkedColumns(columns: readonly Column[], nextFieldId: number): { nextFieldId: number } {
  for (const column of columns) requireColumnName(column.name)
  const assigned = assignFieldIds(columns, nextFieldId)
  const asGiven = assigned.columns.every((column, index) => column.fieldId === columns[index]?.fieldId)
  assert(asGiven, `new columns have the field ids that assignFieldIds counts up from ${nextFieldId}`)
  return assigned
}

function notated(columns: readonly Column[]): { fieldId: number; name: string; type: string }[] {
  return columns.map(({ fieldId, name, type }) => ({ fieldId, name, type: formatType(type) }))
}

async function applyRows(tx: Queryable, commit: Commit, held: HeldTable, nextFieldId: number | null): Promise<void> {
  const { accountId, chunks, cause, operation } = commit
  const table = { accountId, tableId: held.id, snapshot: held.snapshot }
  const sum = (of: 'rows' | 'bytes') => chunks.reduce((total, chunk) => total + chunk[of], 0)
  const totals = { cause, rows: sum('rows'), bytes: sum('bytes') }
  if (commit.quarantined.length > 0) {
    await keepRecords(
      tx,
      { accountId, database: held.database, table: held.name, tableId: held.id },
      commit.quarantined,
    )
  }
  if (chunks.length > 0) {
    const storable = chunks.map((chunk) => ({ ...chunk, statistics: storableStatistics(chunk.statistics) }))
    await insertChunks(tx, table, storable)
    await insertArrival(
      tx,
      { ...table, ...totals },
      {
        from: Math.min(...chunks.map((chunk) => chunk.timeRange.from)),
        to: Math.max(...chunks.map((chunk) => chunk.timeRange.to)),
      },
    )
  }
  await advanceTable(tx, { ...table, ...totals, operation, chunks: chunks.length, nextFieldId })
}
