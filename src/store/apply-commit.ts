import type { Clock } from '../base/clock.ts'
import { AppError, assert, must } from '../base/errors.ts'
import { requireColumnName, requireName } from '../base/names.ts'
import { mayBeReferredTo } from '../base/objects/orphan-age.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import { holdDatabase, insertColumns, insertTable } from './catalog.sql.ts'
import { parseChunkKey } from './chunk-keys.ts'
import type { DropsOfCommit } from './apply-drops.ts'
import { applyDrops } from './apply-drops.ts'
import type { ChunkTotals } from './chunks.sql.ts'
import { insertChunks, removeChunks } from './chunks.sql.ts'
import { assignFieldIds, firstFieldId } from './columns.ts'
import type { ArrivalKind } from './commit.sql.ts'
import {
  advanceTable,
  insertAppliedIds,
  insertAppliedPlaces,
  insertArrival,
  lockTable,
  selectAppliedIds,
  selectAppliedPlaces,
  selectTableOfIds,
} from './commit.sql.ts'
import { keepDamagedChunks } from './damaged-chunks.sql.ts'
import { tableOfKey } from './iceberg/keys.ts'
import { applyReplay } from './quarantine/apply-replay.ts'
import { keepRecords } from './quarantine/keep-records.ts'
import { requireLease } from './require-lease.ts'
import { storableStatistics } from './statistics.ts'
import type {
  AppliedId,
  AppliedRange,
  Column,
  Commit,
  CommitAllOutcome,
  CommitOutcome,
  Layer,
  NewChunk,
  Operation,
} from './store.ts'
import { formatType } from './types.ts'

/** The table that a commit is about, held by the transaction. */
interface HeldTable {
  readonly id: number
  readonly database: string
  readonly name: string
  /** The snapshot that this commit makes. */
  readonly snapshot: number
  readonly schemaVersion: number
  readonly restatedVersion: number
  readonly nextFieldId: number
}

/** What the commit does to the columns: the version that its files are of, and the table's next field id where columns came. */
interface ColumnChange {
  readonly schemaVersion: number
  readonly nextFieldId: number | null
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
  const all = await applyCommits(postgres, clock, [commit])
  return all.kind === 'undone' ? all.outcome : { kind: 'committed', ...must(all.commits[0], 'the commit was applied') }
}

/** Applies commits to several tables in one transaction: all of them or, where one cannot be, none. */
export async function applyCommits(
  postgres: Postgres,
  clock: Clock,
  commits: readonly Commit[],
  drops?: DropsOfCommit,
): Promise<CommitAllOutcome> {
  for (const commit of commits) checkCommit(commit)
  let index = 0
  try {
    return await postgres.transaction(async (tx) => {
      for (const commit of commits) requireYoungFiles(commit, clock)
      const lost = drops === undefined ? undefined : await applyDrops(tx, commits, drops)
      if (lost !== undefined) {
        index = commits.length + lost
        throw new Undone({ kind: 'conflict' })
      }
      const held: { index: number; commit: Commit; table: HeldTable }[] = []
      // Locks are taken in one order everywhere, database, table, job, so that nobody waits in a circle.
      for (const entry of inLockOrder(commits)) {
        index = entry.index
        held.push({ table: await holdTarget(tx, entry.commit), ...entry })
      }
      for (const entry of held) {
        index = entry.index
        await applyTo(tx, entry.commit, entry.table)
      }
      const applied = held.toSorted((a, b) => a.index - b.index)
      return {
        kind: 'committed',
        commits: applied.map(({ table }) => ({ tableId: table.id, snapshot: table.snapshot })),
      }
    })
  } catch (error) {
    if (error instanceof Undone) return { kind: 'undone', index, outcome: error.outcome }
    throw error
  }
}

/** Tables to be made first, because their databases are locked; then the others by their ids. */
function inLockOrder(commits: readonly Commit[]): { index: number; commit: Commit }[] {
  const rank = ({ target }: Commit): [number, string] =>
    'create' in target ? [target.create.databaseId - Number.MAX_SAFE_INTEGER, target.create.name] : [target.tableId, '']
  return commits
    .map((commit, index) => ({ index, commit }))
    .toSorted((a, b) => {
      const [[first, name], [second, other]] = [rank(a.commit), rank(b.commit)]
      return first - second || (name < other ? -1 : 1)
    })
}

async function applyTo(tx: Queryable, commit: Commit, table: HeldTable): Promise<void> {
  await requireLease(tx, commit.fence)
  await applyIds(tx, commit, table)
  requireBasis(commit, table)
  const change = await applyColumns(tx, commit, table)
  await applyRows(tx, commit, table, change)
}

/** What a caller has to get right by itself. */
function checkCommit(commit: Commit): void {
  const ids = new Set(commit.ids.map((applied) => applied.uniqueId))
  const ranges = commit.places?.ranges ?? []
  const isRepeatable = ids.size + ranges.length > 0 || (commit.removed ?? []).length > 0
  assert(isRepeatable, 'a commit carries a unique id or removes chunks, by which its repetition is told')
  assert(ids.size === commit.ids.length, 'a commit names each unique id once')
  let end = 0
  for (const { from, to } of ranges) {
    assert(from >= end && from < to, 'ranges of places are in order, and apart from each other')
    end = to
  }
  for (const chunk of commit.chunks) {
    const { from, to } = chunk.timeRange
    assert(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to, 'a chunk has a finite time range')
    if (isForeign(commit, chunk)) continue
    const key = parseChunkKey(chunk.objectKey)
    assert(key?.id === chunk.id && key.accountId === commit.accountId, 'a chunk has the key that newChunk gave it')
  }
}

/** Files that are too old may be on their way out, for the sweep takes them for abandoned. Asked within the transaction. */
function requireYoungFiles(commit: Commit, clock: Clock): void {
  for (const chunk of commit.chunks) {
    const madeMs = isForeign(commit, chunk) ? undefined : parseChunkKey(chunk.objectKey)?.madeMs
    if (madeMs === undefined || mayBeReferredTo(madeMs, clock)) continue
    throw new AppError('conflict', `The file of chunk ${chunk.id} was written too long ago to be committed.`, {
      hint: 'Write the file anew, under a new id.',
    })
  }
}

/** Other engines name their files themselves; they lie below the location that their table has over Iceberg. */
function isForeign({ operation, accountId, target }: Commit, chunk: NewChunk): boolean {
  const table = tableOfKey(chunk.objectKey)
  if (operation !== 'external' || table === undefined || 'create' in target) return false
  return table.accountId === accountId && table.tableId === target.tableId
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
    restatedVersion: locked.restated_version,
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
  if (columns.length > 0) await insertColumns(tx, { accountId, tableId: id, version: 1 }, notated(columns))
  return { id, database: database.name, name, snapshot: 1, schemaVersion: 1, restatedVersion: 1, nextFieldId }
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
    return new Undone({ kind: 'duplicate', known: await selectAppliedIds(tx, table, uniqueIds), knownPlaces: [] })
  }
  return new AppError('already_exists', `The table "${database.name}.${name}" exists already.`, {
    hint: 'Choose another name, drop the table first, or add the rows with INSERT INTO.',
  })
}

/** Known ids come first: after a commit without an answer, a changed schema is this commit's own doing. */
async function applyIds(tx: Queryable, commit: Commit, held: HeldTable): Promise<void> {
  const table = { accountId: commit.accountId, tableId: held.id, snapshot: held.snapshot }
  const known = await addIds(tx, commit, table)
  const knownPlaces = await addPlaces(tx, commit, table)
  if (known === undefined && knownPlaces === undefined) return
  throw new Undone({ kind: 'duplicate', known: known ?? [], knownPlaces: knownPlaces ?? [] })
}

interface TableAtSnapshot {
  readonly accountId: number
  readonly tableId: number
  readonly snapshot: number
}

/** Undefined where all are new to the table; else those that are not. */
async function addIds(tx: Queryable, { ids }: Commit, table: TableAtSnapshot): Promise<AppliedId[] | undefined> {
  if (ids.length === 0) return undefined
  const applied = new Set(await insertAppliedIds(tx, table, ids))
  if (applied.size === ids.length) return undefined
  const known = ids.map((id) => id.uniqueId).filter((id) => !applied.has(id))
  return await selectAppliedIds(tx, table, known)
}

/** Undefined where nothing of the places was applied before; else what was, without what this very transaction added. */
async function addPlaces(
  tx: Queryable,
  { places }: Commit,
  table: TableAtSnapshot,
): Promise<AppliedRange[] | undefined> {
  const [first, last] = [places?.ranges[0], places?.ranges.at(-1)]
  if (places === undefined || first === undefined || last === undefined) return undefined
  const applied = await insertAppliedPlaces(tx, table, places)
  if (applied.length === places.ranges.length) return undefined
  const within = { segment: places.segment, from: first.from, to: last.to }
  return await selectAppliedPlaces(tx, { ...table, beforeSnapshot: table.snapshot }, within)
}

function requireBasis({ basis }: Commit, { snapshot }: HeldTable): void {
  if (basis !== undefined && basis !== snapshot - 1) throw new Undone({ kind: 'conflict' })
}

/**
 * Adds the new columns. Files fit every later schema, but for what happened since the version that they were written for:
 * other new columns, which theirs would collide with, and changes for which the table is being written anew.
 */
async function applyColumns(tx: Queryable, commit: Commit, held: HeldTable): Promise<ColumnChange> {
  if ('create' in commit.target) return { schemaVersion: 1, nextFieldId: null }
  const { newColumns, schemaVersion } = commit.target
  if (schemaVersion < held.restatedVersion) throw new Undone({ kind: 'schema_changed' })
  if (newColumns.length === 0) return { schemaVersion, nextFieldId: null }
  if (schemaVersion !== held.schemaVersion) throw new Undone({ kind: 'schema_changed' })
  const { nextFieldId } = checkedColumns(newColumns, held.nextFieldId)
  const version = schemaVersion + 1
  await insertColumns(tx, { accountId: commit.accountId, tableId: held.id, version }, notated(newColumns))
  return { schemaVersion: version, nextFieldId }
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

async function applyRows(tx: Queryable, commit: Commit, held: HeldTable, change: ColumnChange): Promise<void> {
  const { accountId, chunks, cause, operation, layer = 'realtime' } = commit
  const table = { accountId, tableId: held.id, snapshot: held.snapshot }
  if (commit.quarantined.length > 0) {
    const place = { accountId, database: held.database, table: held.name, tableId: held.id }
    await keepRecords(tx, place, commit.quarantined)
  }
  const { replayed } = commit
  if (replayed !== undefined && !(await applyReplay(tx, accountId, replayed))) throw new Undone({ kind: 'conflict' })
  const removed = await applyRemoval(tx, commit, table)
  if (chunks.length > 0) {
    const storable = chunks.map((chunk) => ({ layer, ...chunk, statistics: storableStatistics(chunk.statistics) }))
    await insertChunks(tx, { schemaVersion: change.schemaVersion, ...table }, storable)
  }
  const added = totalsOf(chunks, layer)
  await announceRows(tx, commit, table, added, removed)
  await advanceTable(tx, { operation, cause, added, removed, nextFieldId: change.nextFieldId, ...table })
}

async function applyRemoval(
  tx: Queryable,
  { removed = [], setAside = [] }: Commit,
  table: { accountId: number; tableId: number; snapshot: number },
): Promise<ChunkTotals> {
  if (removed.length === 0) return totalsOf([], 'realtime')
  const totals = await removeChunks(tx, table, removed)
  if (totals.chunks < removed.length) throw new Undone({ kind: 'conflict' })
  if (setAside.length > 0) await keepDamagedChunks(tx, table, setAside)
  return totals
}

function totalsOf(chunks: readonly NewChunk[], layer: Layer): ChunkTotals {
  const sum = (of: 'rows' | 'bytes') => chunks.reduce((total, chunk) => total + chunk[of], 0)
  const bound = (of: (...times: number[]) => number, end: 'from' | 'to') =>
    chunks.length === 0 ? null : of(...chunks.map((chunk) => chunk.timeRange[end]))
  return {
    chunks: chunks.length,
    realtimeChunks: chunks.filter((chunk) => (chunk.layer ?? layer) === 'realtime').length,
    rows: sum('rows'),
    bytes: sum('bytes'),
    time_from: bound(Math.min, 'from'),
    time_to: bound(Math.max, 'to'),
  }
}

/** Operations that leave the rows of a table as they were, or only take some away that nobody is to work on any more. */
const quietOperations: ReadonlySet<Operation> = new Set(['merge', 'restate', 'expire', 'set_aside', 'alter'])
const kindOfArrival = (operation: Operation): ArrivalKind => {
  if (operation === 'import' || operation === 'insert' || operation === 'create') return 'new'
  return operation === 'external' ? 'external' : 'restated'
}

/** Tells whoever works on what comes into the table that something did, or that what was there is no longer the same. */
async function announceRows(
  tx: Queryable,
  { operation, cause }: Commit,
  table: { accountId: number; tableId: number; snapshot: number },
  added: ChunkTotals,
  removed: ChunkTotals,
): Promise<void> {
  if (quietOperations.has(operation)) return
  const times = [added.time_from, added.time_to, removed.time_from, removed.time_to].filter((time) => time !== null)
  if (times.length === 0) return
  const timeRange = { from: Math.min(...times), to: Math.max(...times) }
  const { rows, bytes } = added
  await insertArrival(tx, { cause, rows, bytes, timeRange, kind: kindOfArrival(operation), ...table })
}
