import { AppError, must } from '../../base/errors.ts'
import { columnsOfNewTable, isFixedColumn, withFixedColumns } from '../../store/columns.ts'
import type { Chunk, Column, Commit, NewChunk, Store, Table, TableDrop, TableSnapshot } from '../../store/store.ts'

/** What the commits of one script have in common, and by what they are known again. */
export interface ScriptCommit {
  readonly accountId: number
  readonly uniqueId: string
  readonly cause: string
  readonly fence: NonNullable<Commit['fence']>
}

/** A table as the statements of a script have left it so far: what there was when it was first looked at, and what they did. */
export interface StagedTable {
  table: Table
  /** Null for a table that the script itself makes. */
  readonly base: TableSnapshot | null
  readonly removed: Set<string>
  readonly added: Map<string, NewChunk>
  operation: Commit['operation']
  /** Whether the changes hold for the snapshot alone on which they were planned. */
  mindsNewRows: boolean
  isChanged: boolean
  /** Rows that its statements wrote or deleted. */
  rows: number
}

/**
 * The changes of a script that are not committed yet, table by table. Tables are pinned where they are first named, so that all
 * statements see one state and their own changes on top of it.
 */
export class StagedTables {
  readonly #store: Store
  readonly #script: ScriptCommit
  /** By full name; `gone` for those that the script dropped. */
  readonly #named = new Map<string, StagedTable | 'gone'>()
  readonly #drops: TableDrop[] = []
  #made = 0

  constructor(store: Store, script: ScriptCommit) {
    this.#store = store
    this.#script = script
  }

  /** The table of that name as it is for the next statement. Fails as `Store.table` does. */
  async named(database: string, name: string): Promise<StagedTable> {
    const known = this.#named.get(keyOf(database, name))
    if (known === 'gone') throw notFound(database, name)
    if (known !== undefined) return known
    const [snapshot] = await this.#store.openSnapshot(this.#script.accountId, [{ database, name }])
    const base = must(snapshot, 'the table is opened')
    const staged = stagedOn(base.table, base)
    this.#named.set(keyOf(database, name), staged)
    return staged
  }

  byId(tableId: number): StagedTable {
    const found = this.tables.find(({ table }) => table.id === tableId)
    return must(found, 'a statement changes tables that it has looked at')
  }

  get tables(): StagedTable[] {
    return [...this.#named.values()].filter((known) => known !== 'gone')
  }

  isGone(database: string, name: string): boolean {
    return this.#named.get(keyOf(database, name)) === 'gone'
  }

  /** Fails with `already_exists`. */
  async make(
    place: { readonly database: string; readonly name: string },
    columns: readonly Pick<Column, 'name' | 'type'>[],
  ): Promise<StagedTable> {
    const { database, name } = place
    const existing = await this.named(database, name).catch(unlessMissing)
    if (existing !== undefined) {
      throw new AppError('already_exists', `The table "${database}.${name}" exists already.`, {
        hint: 'Choose another name, or drop the table first.',
      })
    }
    const { accountId } = this.#script
    const home = await this.#store.database(accountId, database)
    const { columns: own, nextFieldId } = columnsOfNewTable(`${database}.${name}`, columns)
    this.#made += 1
    const table: Table = {
      id: -this.#made,
      accountId,
      databaseId: home.id,
      database,
      name,
      snapshot: 0,
      schemaVersion: 1,
      nextFieldId,
      restatedVersion: 1,
      settings: { expireDays: null, historyHours: 24, schemaMode: 'evolve', clusterColumns: [] },
      columns: withFixedColumns(own),
      rows: 0,
      bytes: 0,
      createdAt: home.createdAt,
      updatedAt: home.createdAt,
    }
    const staged = { ...stagedOn(table, null), operation: 'create' as const, isChanged: true }
    this.#named.set(keyOf(database, name), staged)
    return staged
  }

  async drop(database: string, name: string): Promise<void> {
    const { table, base } = await this.named(database, name)
    this.#named.set(keyOf(database, name), 'gone')
    const { accountId, fence } = this.#script
    if (base !== null) this.#drops.push({ accountId, tableId: table.id, name: { database, name }, fence })
  }

  /** Commits everything at once. False where something was changed under the script: then nothing was done. */
  async commit(): Promise<boolean> {
    const commits = this.tables.filter(({ isChanged }) => isChanged).map((staged) => this.#commitOf(staged))
    if (commits.length === 0 && this.#drops.length === 0) return true
    const outcome = await this.#store.commitAll(commits, this.#drops)
    // A duplicate is this very commit, of which an earlier attempt got no answer.
    return outcome.kind === 'committed' || outcome.outcome.kind === 'duplicate'
  }

  #commitOf({ table, base, added, removed, rows, operation, mindsNewRows }: StagedTable): Commit {
    const { accountId, uniqueId, cause, fence } = this.#script
    const { databaseId, name, schemaVersion } = table
    const columns = table.columns.filter((column) => !isFixedColumn(column))
    return {
      accountId,
      target:
        base === null
          ? { create: { databaseId, name, columns } }
          : { tableId: table.id, schemaVersion, newColumns: [] },
      operation,
      cause,
      chunks: [...added.values()],
      removed: [...removed],
      ...(base !== null && mindsNewRows && { basis: base.table.snapshot }),
      ids: [{ uniqueId, rows, quarantined: 0 }],
      quarantined: [],
      fence,
    }
  }
}

function stagedOn(table: Table, base: TableSnapshot | null): StagedTable {
  return {
    table,
    base,
    removed: new Set(),
    added: new Map(),
    operation: 'insert',
    mindsNewRows: false,
    isChanged: false,
    rows: 0,
  }
}

/** Puts what a statement commits on top of what those before it did. */
export function stageCommit(staged: StagedTable, commit: Commit): void {
  for (const id of commit.removed ?? []) if (!staged.added.delete(id)) staged.removed.add(id)
  for (const chunk of commit.chunks) staged.added.set(chunk.id, { ...chunk, layer: chunk.layer ?? 'realtime' })
  if (staged.base !== null) {
    // Several sorts of change in one commit are told as a replacement.
    staged.operation = staged.isChanged && staged.operation !== commit.operation ? 'replace' : commit.operation
  }
  staged.mindsNewRows ||= commit.basis !== undefined
  staged.isChanged = true
  staged.rows += commit.ids.reduce((sum, { rows }) => sum + rows, 0)
  const rows = commit.chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
  staged.table = { ...staged.table, rows: staged.table.rows + rows }
}

/** The added chunks as those of a snapshot. */
export function addedChunks({ table, added }: StagedTable): Chunk[] {
  return [...added.values()].map((chunk) => ({
    ...chunk,
    layer: chunk.layer ?? 'realtime',
    schemaVersion: table.schemaVersion,
    addedSnapshot: table.snapshot + 1,
    createdAt: table.updatedAt,
  }))
}

function keyOf(database: string, name: string): string {
  return `${database}.${name}`
}

export function unlessMissing(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'table_not_found') return undefined
  throw error
}

function notFound(database: string, name: string): AppError {
  return new AppError('table_not_found', `The script has dropped the table "${database}.${name}".`, {
    hint: 'Make it again by CREATE TABLE before it is used.',
  })
}
