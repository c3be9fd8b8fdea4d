import type { Service } from '../base/service.ts'
import type { AppliedId, AppliedPlaces, AppliedRange, PlacesWithin } from './applied.ts'
import type { ChunkChoice, Summary, SummaryItem } from './conditions.ts'
import type { QuarantineEntry, QuarantinedRecord, ReplayedRecords } from './quarantine.ts'
import type { LogicalType } from './types.ts'

export type { AppliedId, AppliedPlaces, AppliedRange, PlacesWithin } from './applied.ts'

export interface Database {
  readonly id: number
  readonly accountId: number
  readonly name: string
  readonly tableCount: number
  readonly createdAt: Date
}

export interface Column {
  /** Permanent: never given to another column. The files name their columns by it. */
  readonly fieldId: number
  readonly name: string
  readonly type: LogicalType
}

export interface Table {
  readonly id: number
  readonly accountId: number
  readonly databaseId: number
  readonly database: string
  readonly name: string
  /** The newest commit; 0 before the first. */
  readonly snapshot: number
  readonly schemaVersion: number
  readonly nextFieldId: number
  /** Chunks that were written for an older version may have to be read in another way. */
  readonly restatedVersion: number
  readonly settings: TableSettings
  /** In order of position; the fixed columns `time`, `time_us` and `_rescued` are among them. */
  readonly columns: readonly Column[]
  readonly rows: number
  readonly bytes: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a table is kept by. */
export interface TableSettings {
  /** Rows older than this are removed; null keeps them. */
  readonly expireDays: number | null
  /** For so long older snapshots can be read, and a dropped table brought back. */
  readonly historyHours: number
  /** What happens to keys that have no column: they make one, they are rescued, or their record goes to the quarantine. */
  readonly schemaMode: 'evolve' | 'freeze' | 'quarantine'
  /** Field ids: the order of rows in archive chunks; empty for the order of time. */
  readonly clusterColumns: readonly number[]
}

/** What somebody wants to change of a table's columns. Names are those of SQL. */
export type ColumnChange =
  | {
      readonly kind: 'add_column'
      readonly name: string
      readonly type: LogicalType
      /** A column of the name that is there already is left as it is. */
      readonly ifNotExists?: boolean
    }
  | { readonly kind: 'drop_column'; readonly name: string; readonly ifExists?: boolean }
  | { readonly kind: 'rename_column'; readonly name: string; readonly to: string }
  | { readonly kind: 'change_type'; readonly name: string; readonly type: LogicalType }

/**
 * A change of the columns by which rows of before have to be read in another way. Columns that imports add are none: older
 * files lack them, and that says enough. What each does to rows is told by
 * schema/projection.ts.
 */
export type SchemaChange = { readonly version: number } & (
  | { readonly kind: 'rename'; readonly fieldId: number; readonly from: string; readonly to: string }
  | { readonly kind: 'drop'; readonly column: Column }
  /** The old column and the one that took its place, of the same name. */
  | { readonly kind: 'retype'; readonly from: Column; readonly to: Column }
  | { readonly kind: 'restore'; readonly column: Column }
)

/** Half open, in unix seconds: from ≤ time < to. Infinite ends are allowed in questions, not in chunks. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

export interface ColumnStatistics {
  /** Compressed bytes in the file. */
  readonly bytes: number
  readonly nulls: number
  /** Absent where there is none (all null, nested) or where it would be long. As text, as DuckDB prints the type. */
  readonly min?: string
  readonly max?: string
  /** Of doubles: whether there is NaN among them, which the bounds leave out. Absent where it is not known. */
  readonly nan?: boolean
}

/** One immutable Parquet file, not yet in the catalog. */
export interface NewChunk {
  readonly id: string
  readonly objectKey: string
  readonly timeRange: TimeRange
  readonly rows: number
  readonly bytes: number
  readonly statistics: Readonly<Record<number, ColumnStatistics>>
  /** Of the whole file; null where it is not known. */
  readonly crc32: number | null
  /** Field ids: the order of the rows; absent where none is known. */
  readonly sortedBy?: readonly number[]
  /** Where it is another than the commit's. */
  readonly layer?: Layer
}

/** Realtime chunks are as they arrived, or merged a little; archive chunks are merged for good, and sorted. */
export type Layer = 'realtime' | 'archive'

export interface Chunk extends NewChunk {
  readonly layer: Layer
  /** For which version of the columns the file was written. */
  readonly schemaVersion: number
  readonly addedSnapshot: number
  readonly createdAt: Date
}

/** A table as one query sees it: what was committed up to `table.snapshot`, whatever happens beside it. */
export interface TableSnapshot {
  readonly table: Table
  readonly chunkCount: number
}

/** A moment of a table's history: the number of a snapshot, or a time, which means the newest snapshot of then. */
export type AsOf = { readonly snapshot: number } | { readonly time: Date }

/** A live chunk that is to be set aside, and why. */
export interface DamageNote {
  readonly id: string
  readonly reason: string
  readonly detail: string
  readonly byteOffset: number | null
}

/** What a snapshot did, as `snapshots` notes it. */
export type Operation =
  | 'import'
  | 'insert'
  | 'create'
  | 'merge'
  | 'delete'
  | 'upsert'
  | 'replace'
  | 'truncate'
  | 'expire'
  | 'restate'
  | 'alter'
  | 'set_aside'
  | 'external'
  | 'undrop'
  | 'swap'
  | 'rename'
  | 'drop'

/**
 * Everything one operation changes, applied in one transaction or not at all. `newColumns` carry the field ids that
 * `assignFieldIds` (columns.ts) counts up from the `nextFieldId` of the table whose `schemaVersion` is named: where the
 * table's columns changed meanwhile, the outcome is `schema_changed`, and the files are written anew. So it is where they
 * were written for a version before `restatedVersion`. The columns of a table to be made are its own, without the fixed
 * ones, from `firstFieldId` on.
 */
export interface Commit {
  readonly accountId: number
  readonly target:
    | { readonly tableId: number; readonly schemaVersion: number; readonly newColumns: readonly Column[] }
    | { readonly create: { readonly databaseId: number; readonly name: string; readonly columns: readonly Column[] } }
  readonly operation: Operation
  readonly cause: string
  /** May be empty: a body of which every record was quarantined is applied, too. */
  readonly chunks: readonly NewChunk[]
  /** Of the new chunks; realtime where it is not said. */
  readonly layer?: Layer
  /**
   * Ids of live chunks that the new ones replace. Where one of them is no longer live, the outcome is `conflict`, and
   * whoever planned it plans anew.
   */
  readonly removed?: readonly string[]
  /** Those of the removed chunks whose files are damaged: they are kept, and listed. */
  readonly setAside?: readonly DamageNote[]
  /**
   * The snapshot that the commit was planned on, where it depends on all rows of the table: if there is a newer one, the
   * outcome is `conflict`.
   */
  readonly basis?: number
  /**
   * At least one, each once, or one range of places. A commit that got no answer is repeated with the same ones, and then is a
   * `duplicate`. A commit that removes chunks may do without: its repetition is a `conflict`.
   */
  readonly ids: readonly AppliedId[]
  /** By them bodies are known that have no id. */
  readonly places?: AppliedPlaces
  readonly quarantined: readonly QuarantinedRecord[]
  /** Records of the quarantine that this commit is made of: where one of them was changed meanwhile, it is a `conflict`. */
  readonly replayed?: ReplayedRecords
  /** Refuses the commit with `lease_lost` unless the job still holds this lease. */
  readonly fence?: { readonly jobId: number; readonly leaseToken: number }
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly tableId: number; readonly snapshot: number }
  /** Some ids or places were applied before; nothing was changed. What is known tells what came of them then. */
  | { readonly kind: 'duplicate'; readonly known: readonly AppliedId[]; readonly knownPlaces: readonly AppliedRange[] }
  | { readonly kind: 'schema_changed' }
  /** A chunk that was to be removed is no longer there, or the snapshot is not the newest; nothing was changed. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'table_dropped' }

/** A table that goes together with commits to others. Where its name means another table by now, the outcome is `conflict`. */
export interface TableDrop {
  readonly accountId: number
  readonly tableId: number
  readonly name: TableName
  /** As in `Commit`. */
  readonly fence?: Commit['fence']
}

/** What came of commits that belong together. */
export type CommitAllOutcome =
  | { readonly kind: 'committed'; readonly commits: readonly { readonly tableId: number; readonly snapshot: number }[] }
  /** Nothing was changed, for the sake of the commit at `index`. */
  | { readonly kind: 'undone'; readonly index: number; readonly outcome: CommitOutcome }

export interface TableName {
  readonly database: string
  readonly name: string
}

/** What a table is made with, besides its name. */
export interface NewTable {
  readonly columns?: readonly { readonly name: string; readonly type: LogicalType }[]
  readonly ifNotExists?: boolean
  /** By which the same making is known again: a table that it made is not in its way. */
  readonly once?: { readonly uniqueId: string }
}

/** By which a change is known again: repeated with the same id, it is found done, and changes nothing. */
export interface Once {
  readonly uniqueId: string
  /** As in `Commit`. */
  readonly fence?: Commit['fence']
}

/** One step in the history of a table. */
export interface Snapshot {
  readonly snapshot: number
  readonly committedAt: Date
  readonly operation: Operation
  readonly cause: string
  readonly schemaVersion: number
  /** What the table has with it; null where it was not counted yet. */
  readonly rows: number | null
  readonly bytes: number | null
  readonly chunks: number | null
  readonly added: SnapshotTotals
  readonly removed: SnapshotTotals
  /** Whether the table can still be read as it was. */
  readonly isKept: boolean
}

export interface SnapshotTotals {
  readonly rows: number
  readonly bytes: number
  readonly chunks: number
}

/** What happened from one snapshot of a table to another. */
export interface SnapshotDiff {
  readonly from: number
  readonly to: number
  readonly operations: readonly {
    readonly operation: Operation
    readonly commits: number
    readonly added: SnapshotTotals
    readonly removed: SnapshotTotals
  }[]
  /** Chunks that only `to` has, and those that only `from` has: merges among them hold the same rows as before. */
  readonly added: SnapshotTotals
  readonly removed: SnapshotTotals
}

/** What is done with tables as a whole: each at once, or not at all. Those that take `Once` may be repeated. */
export interface TableOperations {
  /** Gives a table another name, or another database. Fails with `already_exists`. */
  renameTable(accountId: number, table: TableName, to: TableName, once?: Once): Promise<Table>
  /** As `renameTable`, and a table that has the name is dropped: whoever reads sees that one as before, or this one. */
  replaceTable(accountId: number, table: TableName, to: TableName, once?: Once): Promise<Table>
  /** Two tables change names: whoever reads sees both as before, or both as after. */
  swapTables(accountId: number, table: TableName, other: TableName, once?: Once): Promise<void>
  /** Brings back the table of that name that was dropped last. Fails with `table_not_found`, `snapshot_expired`, `already_exists`. */
  undropTable(accountId: number, table: TableName, once?: Once): Promise<Table>
  /**
   * Changes the columns of a table, at once for all queries that begin afterwards: rows of before are read by what the change
   * makes of them (schema/projection.ts), until a job has written them anew. Of several changes, all are made or none; one that is
   * there already does nothing.
   * Fails with `column_not_found`, `already_exists`, `invalid_name`, `too_many_columns`.
   */
  alterColumns(accountId: number, table: TableName, changes: readonly ColumnChange[], once?: Once): Promise<Table>
  setProperties(accountId: number, table: TableName, settings: Partial<TableSettings>, once?: Once): Promise<Table>
  /** Ends the history before now: it cannot be read any more, and its files go after the grace period. Returns how many chunks that are. */
  purgeHistory(accountId: number, table: TableName, once?: Once): Promise<number>
  /** Newest first, beginning before `before`. */
  listSnapshots(
    accountId: number,
    table: TableName,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<Snapshot[]>
  /** Fails as `openSnapshot` does. */
  diffSnapshots(accountId: number, table: TableName, from: AsOf, to: AsOf): Promise<SnapshotDiff>
  /** Removes chunks of which all rows are older than their table's `expireDays`. Returns how many; call it often. */
  expireChunks(): Promise<number>
}

/**
 * The door of the store: databases, tables, and the chunks that hold their rows. The account is an argument of every
 * call; what belongs to another account does not exist. Whether the user may is asked before, at the access door.
 */
export interface Store extends Service, TableOperations {
  /** Fails with `already_exists`, or answers the existing one where `ifNotExists`. */
  createDatabase(accountId: number, name: string, options?: { ifNotExists?: boolean }): Promise<Database>
  listDatabases(accountId: number): Promise<Database[]>
  /** Fails with `database_not_found`. */
  database(accountId: number, name: string): Promise<Database>
  /** Drops the database with its tables; files go after the grace period. */
  dropDatabase(accountId: number, name: string): Promise<void>

  /** Makes a table with the fixed columns and `columns`. Fails with `already_exists`, unless it is `once` repeated. */
  createTable(accountId: number, database: string, name: string, table?: NewTable): Promise<Table>
  listTables(accountId: number, database: string): Promise<Table[]>
  /** Fails with `database_not_found` or `table_not_found`. */
  table(accountId: number, database: string, name: string): Promise<Table>
  /** The time of the newest row, in unix seconds, of each of the tables that has rows. */
  newestTimes(accountId: number, tableIds: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** What happened to the columns up to the table's version, for the reading of its older chunks. */
  schemaChanges(table: Table): Promise<SchemaChange[]>
  /** Drops the table; its files go after the grace period, so running queries finish. */
  dropTable(accountId: number, database: string, name: string): Promise<void>

  /**
   * Opens several tables at one moment; those with `asOf` as they were then, under their name of now. Fails with
   * `table_not_found`; for the past also with `snapshot_not_found` and `snapshot_expired`.
   */
  openSnapshot(
    accountId: number,
    tables: readonly { database: string; name: string; asOf?: AsOf }[],
  ): Promise<readonly TableSnapshot[]>
  /** The chunks of a snapshot that touch any of the ranges (GiST), oldest time first. */
  findChunks(snapshot: TableSnapshot, ranges: readonly TimeRange[], choice?: ChunkChoice): Promise<Chunk[]>
  /** How many chunks touch any of the ranges. */
  countChunks(snapshot: TableSnapshot, ranges: readonly TimeRange[]): Promise<number>
  /** Exact figures of the rows in the range, as text, by their statistics; undefined where these do not say. */
  summarize(snapshot: TableSnapshot, range: TimeRange, items: readonly SummaryItem[]): Promise<Summary | undefined>

  /**
   * A key for the file of a new chunk of the table; `tableId` is 0 for one that the commit makes. An upload that is not
   * committed within half a day is refused with `conflict`, and swept later.
   */
  newChunk(table: { accountId: number; tableId: number }): { id: string; objectKey: string }
  /** Fails with `lease_lost`; for a table to be made also with `already_exists`, `database_not_found`, `invalid_name`. */
  commit(commit: Commit): Promise<CommitOutcome>
  /** Commits to several tables at once: all or none. What is dropped with them leaves its name first; its index follows the commits'. */
  commitAll(commits: readonly Commit[], drops?: readonly TableDrop[]): Promise<CommitAllOutcome>
  /** Which of the ids were applied to the table, and what came of them. */
  appliedIds(accountId: number, tableId: number, uniqueIds: readonly string[]): Promise<AppliedId[]>
  /** The ranges of the segment that were applied to the table and touch `[from, to)`, in order. */
  appliedPlaces(accountId: number, tableId: number, within: PlacesWithin): Promise<AppliedRange[]>

  /** Keeps records whose table does not exist and cannot be made. */
  quarantine(accountId: number, database: string, table: string, records: readonly QuarantinedRecord[]): Promise<void>
  /** Newest first; `before` is the smallest id of the page before. */
  listQuarantine(
    accountId: number,
    database: string,
    table: string,
    page: { limit: number; before?: number },
  ): Promise<QuarantineEntry[]>

  /** Removes some of the files whose grace period is over, and of abandoned uploads. Returns how many; call it often. */
  sweep(): Promise<number>
}
