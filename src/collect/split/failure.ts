import type { RejectReason } from './splitter.ts'

/** Why a record cannot be read. */
export interface Failure {
  readonly reason: RejectReason
  readonly detail: string
}
