import type { Access, Principal } from '../../access/access.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Randomness } from '../../base/randomness.ts'
import type { Collect } from '../../collect/collect.ts'
import type { RouteOf, Target } from './routes.ts'
import type { RuleFor } from './senders.ts'

/** What the door counts. */
export interface ForwardMeter {
  connections(open: number): void
  /** What came of a message: `accepted`, or the code of an error. */
  message(outcome: string, bytes: number): void
  acked(): void
}

/** A message, or a whole connection, that was refused. */
export interface Refusal {
  readonly code: string
  readonly detail: string
  /** Undefined where nobody is known. */
  readonly principal: Principal | undefined
  readonly target: Target | undefined
}

export interface ForwardLimits {
  /** One message. */
  readonly frameBytesMax: number
  /** Messages of one connection that are not durable yet: above either, it is not read any further. */
  readonly connectionBytesMax: number
  readonly connectionMessagesMax: number
  /** Messages, whole or not, of all connections. */
  readonly heldBytesMax: number
  readonly connectionsMax: number
  readonly handshakeMsMax: number
  /** The longest silence in the middle of a message. */
  readonly silenceMsMax: number
  /** The longest silence between messages. */
  readonly idleMsMax: number
}

const mebibyte = 2 ** 20

export const forwardLimitsDefault: ForwardLimits = {
  frameBytesMax: 64 * mebibyte,
  connectionBytesMax: 16 * mebibyte,
  connectionMessagesMax: 256,
  heldBytesMax: 128 * mebibyte,
  connectionsMax: 1000,
  handshakeMsMax: 10_000,
  silenceMsMax: 30_000,
  idleMsMax: 3_600_000,
}

/** What a connection needs. */
export interface ForwardDoor {
  readonly access: Pick<Access, 'authenticate'>
  readonly collect: Pick<Collect, 'accept'>
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  readonly routeOf: RouteOf
  readonly ruleFor: RuleFor
  /** How the server names itself in the handshake; clients insist on another name than theirs. */
  readonly hostname: string
  readonly meter: ForwardMeter
  readonly onRefusal: (refusal: Refusal) => void
  /** Called with whatever is no expected failure. */
  readonly onBug: (error: unknown) => void
  readonly limits: ForwardLimits
}
