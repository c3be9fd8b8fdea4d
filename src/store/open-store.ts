import type { Clock } from '../base/clock.ts'
import { must } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import { applyCommit, applyCommits } from './apply-commit.ts'
import { selectDatabases, selectTables } from './catalog.sql.ts'
import {
  createDatabase,
  createTable,
  databaseOf,
  dropDatabase,
  dropTable,
  requireDatabase,
  requireTables,
  tableOf,
} from './catalog.ts'
import { newChunkKey } from './chunk-keys.ts'
import { countChunks, selectNewestTimes } from './chunks.sql.ts'
import { selectAppliedIds, selectAppliedPlaces } from './commit.sql.ts'
import { FieldVersions } from './field-versions.ts'
import { findChunks, placeOf } from './find-chunks.ts'
import { openSnapshots } from './operations/open-snapshots.ts'
import { tableOperations } from './operations/table-operations.ts'
import { keepRecords } from './quarantine/keep-records.ts'
import { selectQuarantine } from './quarantine/quarantine.sql.ts'
import { changesOf } from './schema/alter-columns.ts'
import type { Store } from './store.ts'
import { summarize } from './summaries.ts'
import { Sweep } from './sweep.ts'

export interface StoreOptions {
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** How long the files of dropped tables stay, so that queries which read them finish. */
  readonly removalGraceSeconds: number
}

/** The store over PostgreSQL and an object store. It holds nothing of its own that a restart would lose. */
export function openStore(options: StoreOptions): Store {
  const { postgres, objects, clock, randomness, log } = options
  const graceMs = options.removalGraceSeconds * 1000
  const sweep = new Sweep(postgres, objects, clock, graceMs)
  const fieldVersions = new FieldVersions(postgres)
  const removal = () => ({ now: new Date(clock.nowMs()), removeAfter: new Date(clock.nowMs() + graceMs) })

  const store: Store = {
    name: 'store',
    start: async () => {},
    stop: () => sweep.stop(),
    ...tableOperations(postgres, clock, log, removal),

    createDatabase: (accountId, name, databaseOptions = {}) =>
      createDatabase(postgres, accountId, name, databaseOptions),
    listDatabases: async (accountId) => (await selectDatabases(postgres, accountId)).map(databaseOf),
    database: (accountId, name) => requireDatabase(postgres, accountId, name),
    async dropDatabase(accountId, name) {
      await dropDatabase(postgres, accountId, name, removal())
      log.info({ accountId, database: name }, 'dropped a database')
    },

    async createTable(accountId, database, name, tableOptions = {}) {
      await createTable(postgres, accountId, { database, name }, tableOptions)
      return await store.table(accountId, database, name)
    },
    async listTables(accountId, database) {
      const { id } = await requireDatabase(postgres, accountId, database)
      return (await selectTables(postgres, accountId, id)).map(tableOf)
    },
    async table(accountId, database, name) {
      const [row] = await requireTables(postgres, accountId, [{ database, name }])
      return tableOf(must(row, 'a required table is there'))
    },
    newestTimes: async (accountId, tableIds) =>
      new Map((await selectNewestTimes(postgres, accountId, tableIds)).map(({ id, time }) => [id, time])),
    schemaChanges: (table) => changesOf(postgres, table),
    async dropTable(accountId, database, name) {
      await dropTable(postgres, accountId, { database, name }, removal())
      log.info({ accountId, database, table: name }, 'dropped a table')
    },

    openSnapshot: (accountId, tables) => openSnapshots(postgres, new Date(clock.nowMs()), accountId, tables),
    findChunks: (snapshot, ranges, choice = {}) => findChunks(postgres, fieldVersions, snapshot, ranges, choice),
    countChunks: (snapshot, ranges) => countChunks(postgres, placeOf(snapshot, ranges)),
    summarize: (snapshot, range, items) => summarize(postgres, fieldVersions, snapshot, range, items),

    newChunk: (table) => newChunkKey(table, clock, randomness),
    commit: (commit) => applyCommit(postgres, clock, commit),
    commitAll: (commits, drops = []) => applyCommits(postgres, clock, commits, { tables: drops, ...removal() }),
    appliedIds: (accountId, tableId, uniqueIds) => selectAppliedIds(postgres, { accountId, tableId }, uniqueIds),
    appliedPlaces: (accountId, tableId, within) => selectAppliedPlaces(postgres, { accountId, tableId }, within),

    async quarantine(accountId, database, table, records) {
      await postgres.transaction((tx) => keepRecords(tx, { accountId, database, table, tableId: null }, records))
    },
    listQuarantine: (accountId, database, table, page) =>
      selectQuarantine(postgres, { accountId, database, table }, page),

    async sweep() {
      const removed = await sweep.run()
      if (removed > 0) log.info({ removed }, 'removed objects that nothing refers to')
      return removed
    },
  }
  return store
}
