/** What jobs of one lane have in common: their order is among themselves, and limits let all or none of them pass. */
export interface LaneIdentity {
  readonly kind: string
  readonly accountId: number | null
  /** The keys of all limits that would count these jobs. */
  readonly limitKeys: readonly string[]
  /** Of each, how many slots a job takes. */
  readonly weights: readonly number[]
}
