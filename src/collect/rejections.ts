import type { Service } from '../base/service.ts'

/** Where data comes in. */
export const intakeDoors = ['import', 'events', 'td', 'bulk', 'js', 'mobile', 'postback', 'forward', 'in_http'] as const
export type IntakeDoor = (typeof intakeDoors)[number]

/** A request or a frame that a door refused, by its own fault or by ours. */
export interface Rejection {
  /** Whose it was; null where the key is not known. */
  readonly accountId: number | null
  readonly keyId: number | null
  /** The key as it was sent, where nobody has it. Only the account that it names and its last four characters are kept. */
  readonly unknownKey?: string | undefined
  readonly door: IntakeDoor
  /** Of the error catalogue. */
  readonly code: string
  /** What was wrong with which thing, as the sender was told. */
  readonly detail: string
  readonly database: string | null
  readonly table: string | null
}

/** Rejections of one sort in a span of time. */
export interface RejectionCount {
  readonly keyId: number | null
  /** The last four characters of a key that the account does not have. */
  readonly keyHint: string | null
  readonly door: string
  readonly code: string
  readonly database: string | null
  readonly table: string | null
  /** It stands for all that were not counted apart, because there were too many different ones. */
  readonly isRest: boolean
  readonly count: number
  /** Of the newest one. */
  readonly detail: string
  readonly lastAt: Date
}

export interface RejectionQuestion {
  readonly since: Date
  readonly keyId?: number | undefined
  readonly keyHint?: string | undefined
  readonly door?: string | undefined
  readonly limit: number
}

/**
 * What the doors refused in the last minutes. Counts are written each second, by every process for itself; those of the
 * last second are lost with a process that is killed.
 */
export interface Rejections extends Service {
  /** Counts a rejection. Costs next to nothing, never fails, and takes bounded memory whatever is sent. */
  note(rejection: Rejection): void
  /** Of the account, the newest first. The operators' account sees those besides that nobody can be named for. */
  list(accountId: number, question: RejectionQuestion): Promise<RejectionCount[]>
}
