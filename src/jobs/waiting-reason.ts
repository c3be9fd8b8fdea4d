/** Why a job waits, in the order in which it would have to be solved. */
export type WaitingReason =
  | { readonly reason: 'not_due'; readonly until: Date; readonly state: 'delayed' | 'retry_wait' }
  | { readonly reason: 'no_worker'; readonly kind: string }
  | {
      readonly reason: 'limit'
      readonly key: string
      readonly slots: number
      readonly used: number
      readonly wants: number
    }
  | { readonly reason: 'limit_paused'; readonly key: string; readonly until: Date }
  /** `ahead` jobs of the same lane go first; counted up to `aheadMax`. */
  | { readonly reason: 'behind'; readonly ahead: number }
  /** Nothing but places in workers of the kind, of which there are `places`, all taken. */
  | { readonly reason: 'workers_busy'; readonly places: number }
  /** It is the next to be acquired. */
  | { readonly reason: 'next' }

export interface Waiting {
  /** 1 is the first of the jobs of its kind, account and limits. */
  readonly position: number
  readonly reasons: readonly WaitingReason[]
}

export const aheadMax = 10_000
