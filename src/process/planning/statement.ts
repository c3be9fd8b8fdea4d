import type { AsOf, ColumnChange } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'

/** A table as it is written: without a database where the query's own is meant. */
export interface TableReference {
  readonly database: string | null
  readonly name: string
  /** Characters from the beginning of the whole SQL. */
  readonly offset: number
}

/**
 * A table that the text calls by a stand-in: as it was, because DuckDB knows no `FOR VERSION AS OF`; or as it is (null),
 * where it has to be told from other places that name it.
 */
export interface StandInTable {
  readonly standIn: StandIn
  readonly table: TableReference
  readonly asOf: AsOf | null
  /** Where only what it has and this other snapshot has not is meant, chunk by chunk; with the columns of the newer one. */
  readonly since?: number
}

/** A name that no table can have, for a table that the text cannot name by itself: `"@"."0"`. */
export interface StandIn {
  readonly database: typeof standInDatabase
  readonly name: string
}

export const standInDatabase = '@'

/** The part of the SQL that DuckDB gets to see, and where it begins. */
export interface SelectText {
  readonly text: string
  readonly offset: number
  readonly standIns: readonly StandInTable[]
}

/** The condition of a DELETE, and the name by which it calls the table. */
export interface Condition extends SelectText {
  readonly alias: string
}

export interface ColumnDefinition {
  readonly name: string
  readonly type: LogicalType
}

/** What SET PROPERTIES gives a property; null for its default. */
export type PropertyValue = string | number | null

/** What a query can be. Whether the text of a SELECT is one is found out by DuckDB's parser. */
export type Statement = ReadStatement | RowStatement | TableStatement

export type ReadStatement =
  | { readonly kind: 'select'; readonly select: SelectText }
  | { readonly kind: 'explain'; readonly select: SelectText }
  | { readonly kind: 'describe'; readonly table: TableReference }
  | { readonly kind: 'show_databases'; readonly like: string | null }
  | { readonly kind: 'show_tables'; readonly database: string | null; readonly like: string | null }

/** Statements that change which rows a table has. */
export type RowStatement =
  | {
      readonly kind: 'insert'
      readonly table: TableReference
      readonly columns: readonly string[] | null
      /** INSERT OVERWRITE: the rows take the place of all that the table has. */
      readonly overwrite: boolean
      readonly select: SelectText
    }
  | {
      readonly kind: 'merge'
      readonly table: TableReference
      readonly columns: readonly string[] | null
      readonly keys: readonly string[]
      readonly select: SelectText
    }
  | { readonly kind: 'delete'; readonly table: TableReference; readonly where: Condition | null }
  | { readonly kind: 'truncate'; readonly table: TableReference }

/** Statements about tables as a whole. */
export type TableStatement =
  | {
      readonly kind: 'create_table_as'
      readonly table: TableReference
      readonly ifNotExists: boolean
      readonly select: SelectText
    }
  | {
      readonly kind: 'create_table'
      readonly table: TableReference
      readonly ifNotExists: boolean
      readonly columns: readonly ColumnDefinition[]
    }
  | { readonly kind: 'alter_columns'; readonly table: TableReference; readonly change: ColumnChange }
  | { readonly kind: 'drop_table'; readonly table: TableReference; readonly ifExists: boolean }
  | { readonly kind: 'undrop_table'; readonly table: TableReference }
  | { readonly kind: 'rename_table'; readonly table: TableReference; readonly to: TableReference }
  | { readonly kind: 'swap_tables'; readonly table: TableReference; readonly other: TableReference }
  | {
      readonly kind: 'set_properties'
      readonly table: TableReference
      readonly properties: ReadonlyMap<string, PropertyValue>
    }
  | { readonly kind: 'purge_history'; readonly table: TableReference }
