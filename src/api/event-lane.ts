import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'

import type { Access } from '../access/access.ts'
import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import { wholeBody } from '../base/http/read-body.ts'
import type { BodyBudget, BodyLimits, ReadBody } from '../base/http/read-body.ts'
import type { Collect, ImportReceipt, ImportRequest } from '../collect/collect.ts'
import type { RouteTimes } from './answer-times.ts'
import { apiKeyOf } from './authorization.ts'
import type { IngestTally } from './ingest-tally.ts'

/** What the ordinary way made of the address and the media type of events that it took. */
export type EventPlace = Pick<ImportRequest, 'database' | 'table' | 'timeColumn' | 'format'> & {
  readonly contentType: string | undefined
}

export interface EventLaneOptions {
  readonly access: Pick<Access, 'authenticate'>
  readonly collect: Pick<Collect, 'accept'>
  readonly clock: Clock
  readonly budget: BodyBudget
  readonly body: BodyLimits
  readonly requestId: (request: IncomingMessage) => string
  readonly times: RouteTimes
  readonly ingest: IngestTally
  readonly closing: AbortSignal
}

/** Addresses that are remembered, and how long one may be: whoever makes up many does not fill the memory. */
const placesMax = 1000
const urlCharactersMax = 500

/**
 * A lane for single events, which are sent again and again to the same address: the framework's way of a request costs more than
 * the server beneath it and all that is done to the event together. Only what the ordinary way took before is taken here, and only
 * where nothing about it is unusual; everything else is left to the ordinary way, which then begins at the beginning. So there is one
 * place that refuses, and a lane that only knows how to say yes. An event that the intake failed to take is not offered to it again: it
 * may have been kept all the same, where the answer to a commit was lost, and nothing tells it from another one by then.
 */
export class EventLane {
  /** What the intake failed with. The ordinary way meets it where it would read the body, and answers it. */
  readonly failures = new WeakMap<IncomingMessage, { readonly error: unknown }>()
  readonly #options: EventLaneOptions
  readonly #places = new Map<string, EventPlace>()

  constructor(options: EventLaneOptions) {
    this.#options = options
  }

  /** The same events at the same address, without an id and without waiting, may take the lane from now on. */
  remember(url: string, place: EventPlace): void {
    if (url.length > urlCharactersMax) return
    this.#places.delete(url)
    this.#places.set(url, place)
    const [oldest] = this.#places.keys()
    if (this.#places.size > placesMax && oldest !== undefined) this.#places.delete(oldest)
  }

  /** Puts the lane before what the server does with a request. */
  openAt(server: Server): void {
    const [ordinary] = server.listeners('request') as RequestListener[]
    if (ordinary === undefined) return
    server.removeListener('request', ordinary)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const place = request.method === 'POST' ? this.#places.get(request.url ?? '') : undefined
      if (place === undefined || !this.#isUsual(request, place)) return ordinary(request, response)
      // When the parser is through with the packet that the head came in, a small body is there, too.
      process.nextTick(() => void this.#take(place, request, response, ordinary))
    })
  }

  #isUsual({ headers }: IncomingMessage, { contentType }: EventPlace): boolean {
    return (
      headers['content-type'] === contentType &&
      headers['content-encoding'] === undefined &&
      headers['idempotency-key'] === undefined &&
      !this.#options.closing.aborted
    )
  }

  async #take(
    place: EventPlace,
    request: IncomingMessage,
    response: ServerResponse,
    ordinary: RequestListener,
  ): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs()
    const taken = await this.#accept(place, request)
    if (taken === undefined) return ordinary(request, response)
    this.#answer(taken, request, response)
    const { times, clock, ingest } = this.#options
    ingest.note('events', 'accepted', taken.bytes)
    times.note('POST', 202, (clock.monotonicMs() - startedMs) / 1000)
  }

  /** Undefined where the ordinary way has to go on, because something is not as usual or failed. */
  async #accept(place: EventPlace, request: IncomingMessage): Promise<ImportReceipt | undefined> {
    const { access, collect, budget, body: limits, ingest } = this.#options
    const { authorization, origin, 'content-length': length } = request.headers
    let body: ReadBody | undefined
    try {
      const principal = await access.authenticate(apiKeyOf(authorization), origin)
      body = wholeBody(request, Number(length), limits, budget)
      if (body === undefined) return undefined
      const { database, table, timeColumn, format } = place
      return await collect.accept({
        principal,
        database,
        table,
        timeColumn,
        format,
        uniqueId: null,
        encoding: 'identity',
        door: 'events',
        body: body.bytes,
      })
    } catch (error) {
      // Without a body nothing was offered to the intake, and the ordinary way finds out by itself what is wrong.
      if (body === undefined && isAppError(error)) return undefined
      this.failures.set(request, { error })
      ingest.note('events', isAppError(error) ? error.code : 'internal', 0)
      return undefined
    } finally {
      body?.release()
    }
  }

  #answer({ uniqueId, bytes }: ImportReceipt, request: IncomingMessage, response: ServerResponse): void {
    const body = JSON.stringify({ id: uniqueId, bytes })
    if (this.#options.closing.aborted) response.setHeader('connection', 'close')
    response.writeHead(202, {
      'x-request-id': this.#options.requestId(request),
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  }
}
