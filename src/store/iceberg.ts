import type { TableChange } from './iceberg/change.ts'
import type { TableMetadata } from './iceberg/metadata.ts'
import type { IcebergField } from './iceberg/schema.ts'

export type { Requirement, TableChange } from './iceberg/change.ts'
export type { TableMetadata } from './iceberg/metadata.ts'
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

/**
 * The door of the store for other engines: its tables as Iceberg has them, over the same files. Databases are namespaces.
 * As at the other door, the account is an argument, and whether the user may is asked before.
 */
export interface IcebergCatalog {
  /**
   * The table as of its newest snapshot. Manifests are written when somebody asks, for what changed since the last time. While
   * files are being restated for a change of columns, which other engines cannot do when they read, it is the last snapshot
   * before that anybody asked for, or else `table_restating`.
   */
  load(accountId: number, table: IcebergName): Promise<IcebergTable>

  /** Makes a table with the columns of an Iceberg schema, under field ids of our own. Fails as `createTable` of the store does. */
  create(
    accountId: number,
    table: IcebergName,
    options: { readonly fields: readonly IcebergField[]; readonly properties: Readonly<Record<string, string>> },
  ): Promise<void>

  /**
   * Makes what another engine wrote a part of the table, all of it or nothing; the same again changes nothing. Fails with
   * `conflict` where the table is not as the engine saw it, with `invalid_request` where it cannot be done, and with `forbidden`
   * where more than rows are added and only that is allowed.
   */
  commit(
    accountId: number,
    table: IcebergName,
    change: TableChange,
    allowed: 'append' | 'everything',
  ): Promise<IcebergTable>
}
