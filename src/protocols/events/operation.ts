import type { IncomingHttpHeaders } from 'node:http'

import type { Access, Principal } from '../../access/access.ts'
import type { AppError } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import type { IngestMetrics } from '../../base/http/ingest-metrics.ts'
import type { Randomness } from '../../base/randomness.ts'
import type { Collect } from '../../collect/collect.ts'
import type { IntakeDoor, Rejections } from '../../collect/rejections.ts'
import type { Visitor } from './global-id.ts'

/** The doors that operations call, and what they were told by settings. */
export interface EventParts {
  readonly access: Access
  readonly collect: Pick<Collect, 'accept'>
  readonly rejections: Pick<Rejections, 'note'>
  readonly metrics: IngestMetrics
  readonly clock: Clock
  readonly randomness: Randomness
  /** The hosts that `td_redirect` may lead to. */
  readonly redirectHosts: readonly string[]
}

export type Texts = Readonly<Record<string, string>>

/** A request, from whomever. */
export interface Call extends EventParts {
  readonly method: string
  readonly params: Texts
  readonly query: Texts
  readonly headers: IncomingHttpHeaders
  /** Of the client, as far as trusted proxies tell. */
  readonly address: string
  /** Under which the server was asked, without the port. */
  readonly hostname: string
  readonly isSecure: boolean
  readonly visitor: Visitor
}

/** A request with events, from somebody who may write. */
export interface EventCall extends Call {
  readonly principal: Principal
  /** Inflated. Its bytes count against the budget of the process until it is answered. */
  readonly body: Buffer
  /** Counts an event that is refused while the request is not. */
  readonly refused: (error: AppError, database: string, table: string) => void
  readonly door: IntakeDoor
}

export interface Answer {
  /** 200 where it is not said. */
  readonly status?: number
  readonly headers?: Texts
  /** Objects become JSON, or a script where the request names a callback. */
  readonly body: object | Buffer
}

interface Route {
  readonly methods: readonly ('GET' | 'POST')[]
  readonly path: string
  /** Only requests that say that they are for this door are; the path would be too general otherwise. */
  readonly isMarked?: boolean
}

/** Where an operation looks for its key. */
export type FindKey = (request: { readonly headers: IncomingHttpHeaders; readonly query: Texts }) => string | undefined

/** One operation of the collector: it takes events, or it tells visitors their id. */
export type Operation = Route &
  (
    | {
        readonly kind: 'events'
        /** What refusals and figures call it. */
        readonly door: IntakeDoor
        readonly key: FindKey
        handle(call: EventCall): Promise<Answer>
      }
    | { readonly kind: 'visitor'; readonly key: FindKey; handle(call: Call): Promise<Answer> }
  )

/** `TD1 <key>`, or the key alone. */
export const keyOfAuthorization: FindKey = ({ headers }) =>
  /^(?:td1 +)?(\S+) *$/i.exec(headers.authorization ?? '')?.[1]

export const keyOfHeader: FindKey = ({ headers }) => {
  const key = headers['x-td-write-key']
  return typeof key === 'string' && key !== '' ? key : undefined
}
