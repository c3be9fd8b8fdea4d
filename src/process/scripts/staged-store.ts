import { AppError, must } from '../../base/errors.ts'
import type { ChunkChoice } from '../../store/conditions.ts'
import type { Chunk, Commit, Store, TableSnapshot, TimeRange } from '../../store/store.ts'
import { isFixedColumn } from '../../store/columns.ts'
import type { StagedTable, StagedTables } from './staged-tables.ts'
import { addedChunks, stageCommit, unlessMissing } from './staged-tables.ts'

/**
 * The store as the statements of a script see it: they read what is committed with their own changes on top, and what they commit is
 * kept until all of them are done.
 */
export function stagedStore(store: Store, tables: StagedTables): Store {
  const views = new StagedViews(store, tables)
  return {
    ...store,
    createTable: async (_accountId, database, name, { columns = [], ifNotExists = false } = {}) => {
      const existing = ifNotExists ? await tables.named(database, name).catch(unlessMissing) : undefined
      return (existing ?? (await tables.make({ database, name }, columns))).table
    },
    async listTables(accountId, database) {
      const known = await store.listTables(accountId, database)
      const made = tables.tables
        .map(({ table }) => table)
        .filter((table) => table.id < 0 && table.database === database)
      return [...known.filter(({ name }) => !tables.isGone(database, name)), ...made]
    },
    table: async (_accountId, database, name) => (await tables.named(database, name)).table,
    schemaChanges: async (table) => (table.id < 0 ? [] : await store.schemaChanges(table)),
    dropTable: (_accountId, database, name) => tables.drop(database, name),
    openSnapshot: (accountId, names) => views.open(accountId, names),
    findChunks: (snapshot, ranges, choice = {}) => views.findChunks(snapshot, ranges, choice),
    countChunks: (snapshot, ranges) => views.countChunks(snapshot, ranges),
    summarize: async (snapshot, range, items) =>
      views.isChanged(snapshot) ? undefined : await store.summarize(snapshot, range, items),
    newChunk: ({ accountId, tableId }) => store.newChunk({ accountId, tableId: Math.max(0, tableId) }),
    commit: (commit) => stage(store, tables, commit),
    // Whether the whole script was applied before is asked once, before its first statement.
    appliedIds: async () => [],
    appliedPlaces: async () => [],
    ...refusals,
  }
}

async function stage(store: Store, tables: StagedTables, commit: Commit) {
  const staged = await targetOf(store, tables, commit)
  stageCommit(staged, commit)
  return { kind: 'committed', tableId: staged.table.id, snapshot: staged.table.snapshot + 1 } as const
}

async function targetOf(store: Store, tables: StagedTables, { accountId, target }: Commit): Promise<StagedTable> {
  if (!('create' in target)) return tables.byId(target.tableId)
  const { databaseId, name, columns } = target.create
  const database = (await store.listDatabases(accountId)).find(({ id }) => id === databaseId)
  if (database === undefined) {
    throw new AppError('database_not_found', `The database of the new table "${name}" does not exist any more.`)
  }
  return await tables.make(
    { database: database.name, name },
    columns.filter((column) => !isFixedColumn(column)),
  )
}

/** Snapshots of staged tables, told from those of the past by their identity. */
class StagedViews {
  readonly #store: Store
  readonly #tables: StagedTables
  readonly #views = new WeakMap<TableSnapshot, StagedTable>()

  constructor(store: Store, tables: StagedTables) {
    this.#store = store
    this.#tables = tables
  }

  async open(...[accountId, names]: Parameters<Store['openSnapshot']>): Promise<TableSnapshot[]> {
    const opened: TableSnapshot[] = []
    for (const named of names) {
      if (named.asOf === undefined) opened.push(this.#view(await this.#tables.named(named.database, named.name)))
      else opened.push(...(await this.#store.openSnapshot(accountId, [named])))
    }
    return opened
  }

  #view(staged: StagedTable): TableSnapshot {
    const { table, base, added, removed } = staged
    const view = { table, chunkCount: (base?.chunkCount ?? 0) - removed.size + added.size }
    this.#views.set(view, staged)
    return view
  }

  isChanged(snapshot: TableSnapshot): boolean {
    return this.#views.get(snapshot)?.isChanged === true
  }

  async findChunks(
    snapshot: TableSnapshot,
    ranges: readonly TimeRange[],
    { condition, rowsEnough }: ChunkChoice,
  ): Promise<Chunk[]> {
    const staged = this.#views.get(snapshot)
    if (staged === undefined || !staged.isChanged) {
      const choice = { ...(condition !== undefined && { condition }), ...(rowsEnough !== undefined && { rowsEnough }) }
      return await this.#store.findChunks(staged?.base ?? snapshot, ranges, choice)
    }
    // Of what the script itself wrote, no statistics are asked; and rows that are enough may be among those it removed.
    const choice = condition === undefined ? {} : { condition }
    const before = staged.base === null ? [] : await this.#store.findChunks(staged.base, ranges, choice)
    const touches = ({ timeRange }: Chunk) => ranges.some(({ from, to }) => timeRange.from < to && from < timeRange.to)
    return [...before.filter(({ id }) => !staged.removed.has(id)), ...addedChunks(staged).filter(touches)].toSorted(
      (a, b) => a.timeRange.from - b.timeRange.from,
    )
  }

  async countChunks(snapshot: TableSnapshot, ranges: readonly TimeRange[]): Promise<number> {
    const staged = this.#views.get(snapshot)
    if (staged?.isChanged === true) return (await this.findChunks(snapshot, ranges, {})).length
    return await this.#store.countChunks(must(staged?.base ?? snapshot, 'an unchanged table has a snapshot'), ranges)
  }
}

/** What changes tables in other ways than by rows is done by itself: it cannot be put on top of changes that are not committed. */
const refusals = {
  renameTable: () => refuse('ALTER TABLE … RENAME TO'),
  swapTables: () => refuse('ALTER TABLE … SWAP WITH'),
  undropTable: () => refuse('UNDROP TABLE'),
  alterColumns: () => refuse('ALTER TABLE'),
  setProperties: () => refuse('ALTER TABLE … SET PROPERTIES'),
  purgeHistory: () => refuse('ALTER TABLE … PURGE HISTORY'),
} satisfies Partial<Store>

function refuse(statement: string): Promise<never> {
  return Promise.reject(
    new AppError('statement_not_allowed', `${statement} cannot be one of several statements.`, {
      hint: 'Submit it as a query of its own.',
    }),
  )
}
