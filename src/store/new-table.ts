import type { LogicalType } from './types.ts'

/** What a table is made with, besides its name. */
export interface NewTable {
  readonly columns?: readonly { readonly name: string; readonly type: LogicalType }[]
  readonly ifNotExists?: boolean
  /** By which the same making is known again: a table that it made is not in its way. */
  readonly once?: { readonly uniqueId: string }
}
