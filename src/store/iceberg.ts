import type { TableChange } from './iceberg/change.ts'
import type { TableMetadata } from './iceberg/metadata.ts'
import type { IcebergField } from './iceberg/schema.ts'
import type { ViewMetadata, ViewSchema, ViewUpdate, ViewVersion } from './iceberg/view-metadata.ts'

export type { Requirement, TableChange } from './iceberg/change.ts'
export type { TableMetadata } from './iceberg/metadata.ts'
export type { ViewUpdate } from './iceberg/view-metadata.ts'
export { withReferencedSnapshots } from './iceberg/metadata.ts'

/** A table as other engines see it. */
export interface IcebergTable {
  readonly metadataLocation: string
  readonly metadata: TableMetadata
  /** Another one whenever the metadata is another. */
  readonly tag: string
}

/** A table by its names. */
export interface IcebergName {
  readonly database: string
  readonly name: string
}

/** What another engine wants of one table. */
export interface NamedChange {
  readonly table: IcebergName
  readonly change: TableChange
  readonly allowed: 'append' | 'everything'
}

/**
 * The door of the store for other engines: its tables as Iceberg has them, over the same files. Databases are namespaces.
 * As at the other door, the account is an argument, and whether the user may is asked before.
 */
export interface IcebergCatalog {
  readonly views: IcebergViews
  /**
   * The table as of its newest snapshot. Manifests are written when somebody asks, for what changed since the last time. While
   * files are being restated for a change of columns, which other engines cannot do when they read, it is the last snapshot
   * before that anybody asked for, or else `table_restating`.
   */
  load(accountId: number, table: IcebergName): Promise<IcebergTable>

  /**
   * Makes a table with the columns of an Iceberg schema, under field ids of our own. Fails as `createTable` of the store does. A
   * staged one is there at once, without rows, and its first commit may still demand that there was none.
   */
  create(
    accountId: number,
    table: IcebergName,
    options: {
      readonly fields: readonly IcebergField[]
      readonly properties: Readonly<Record<string, string>>
      readonly isStaged: boolean
    },
  ): Promise<void>

  /**
   * Makes what another engine wrote a part of tables, all of it or nothing; the same again changes nothing. Fails with
   * `conflict` where a table is not as the engine saw it, with `invalid_request` where it cannot be done, and with `forbidden`
   * where more than rows are added and only that is allowed.
   */
  commit(accountId: number, changes: readonly NamedChange[]): Promise<void>
  /** Removes some of the files that nothing refers to. Returns how many; call it often. */
  sweep(): Promise<number>
}

/** A view of another engine. */
export interface IcebergView {
  readonly metadataLocation: string
  readonly metadata: ViewMetadata
}

/** Views that other engines keep here for each other: their SQL is not ours, and is not looked into. */
export interface IcebergViews {
  list(accountId: number, database: string): Promise<readonly string[]>
  /** Fails with `view_not_found`. */
  load(accountId: number, view: IcebergName): Promise<IcebergView>
  /** Fails with `already_exists` also where a table has the name. */
  create(
    accountId: number,
    view: IcebergName,
    definition: {
      readonly schema: ViewSchema
      readonly version: ViewVersion
      readonly properties: Readonly<Record<string, string>>
    },
  ): Promise<IcebergView>
  /** Fails with `conflict` where the view is not the one with that uuid, or was replaced at the same time. */
  replace(
    accountId: number,
    view: IcebergName,
    uuid: string | undefined,
    updates: readonly ViewUpdate[],
  ): Promise<IcebergView>
  drop(accountId: number, view: IcebergName): Promise<void>
  rename(accountId: number, view: IcebergName, to: IcebergName): Promise<void>
}
