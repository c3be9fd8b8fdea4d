/**
 * What jobs share, and how many slots of it there are. A limit is known by its key:
 *
 * | key                        | counts                                                |
 * | -------------------------- | ----------------------------------------------------- |
 * | `account:1`                | all running jobs of the account                       |
 * | `kind:query`               | all running jobs of the kind, of all accounts         |
 * | `account:1/kind:query`     | those of the kind in the account                      |
 * | `workgroup:1/etl`          | those that name the workgroup, in the account         |
 * | `resource:1/redshift`      | those that name the resource, each with its weight    |
 *
 * Slots are held by leases: a job that waits, also for its next attempt, holds none.
 */
export interface Limit {
  readonly key: string
  readonly slots: number
  readonly used: number
  /** Nothing of it is acquired until then. */
  readonly pausedUntil: Date | null
}

/** The door of limits. `accountId` confines to the keys of one account; null is the operator, who may set all. */
export interface Limits {
  list(accountId: number | null): Promise<Limit[]>
  /** Makes or changes it. Fewer slots than are used end nothing: jobs are acquired again when there is room. */
  set(accountId: number | null, key: string, slots: number): Promise<Limit>
  /** Fails with `limit_not_found`. */
  remove(accountId: number | null, key: string): Promise<Limit>
  /** Acquires nothing of it until then; null ends the pause. */
  pause(accountId: number | null, key: string, until: Date | null): Promise<Limit>
}

export const slotsMax = 1_000_000
