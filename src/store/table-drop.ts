/** A table that goes together with commits to others. Where its name means another table by now, the outcome is `conflict`. */
export interface TableDrop {
  readonly accountId: number
  readonly tableId: number
  readonly name: { readonly database: string; readonly name: string }
  /** As in `Commit`. */
  readonly fence?: { readonly jobId: number; readonly leaseToken: number }
}
