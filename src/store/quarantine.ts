/** Records of a table that were quarantined for one reason in a span of time. */
export interface QuarantineCount {
  readonly database: string
  readonly table: string
  readonly reason: string
  readonly count: number
  /** Of the newest one. */
  readonly detail: string
  readonly lastAt: Date
}

/** What could not be read, kept until somebody mends it. */
export interface Quarantine {
  /** What was quarantined since then, by table and reason, the newest first. */
  recent(accountId: number, since: Date, limit: number): Promise<QuarantineCount[]>
}
