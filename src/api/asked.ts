import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Clock } from '../base/clock.ts'
import { clientGoneOr } from '../base/http/client-gone.ts'
import { readBody } from '../base/http/read-body.ts'
import type { BodyBudget, BodyLimits, ReadBody } from '../base/http/read-body.ts'
import type { Upload } from '../base/http/uploads/upload.ts'

/** A request for an operation, whichever way it came. */
export interface Asked {
  readonly method: string
  /** As it was asked, with the query. */
  readonly url: string
  readonly params: unknown
  readonly query: unknown
  readonly headers: IncomingHttpHeaders
  /** Announced of a body that is yet to come; undefined where its length was not, or all of it lies there to be judged with what is in it. */
  readonly comingBytes: number | undefined
  readonly readBody: (limits: BodyLimits) => Promise<ReadBody>
  /** Sets a header of the answer, also where that is a failure. */
  readonly header: (name: string, value: string) => void
  /** A signal that is aborted when the client goes away or the server closes: time to stop waiting. */
  readonly nobodyWaits: () => AbortSignal
}

export interface Surroundings {
  readonly clock: Clock
  readonly budget: BodyBudget
  /** Requests whose bodies were read, and failed, before the operation was asked for them. */
  readonly failures: WeakMap<IncomingMessage, { readonly error: unknown }>
  /** Aborted when the server begins to close: who waits is answered with what there is. */
  readonly closing: AbortSignal
}

/** As the framework has it. */
export function askedOfRequest(surroundings: Surroundings, request: FastifyRequest, reply: FastifyReply): Asked {
  const { failures, budget, clock, closing } = surroundings
  const { method, url, params, query, headers, raw } = request
  const length = headers['content-length']
  const announced = length === undefined ? undefined : Number(length)
  return {
    method,
    url,
    params,
    query,
    headers,
    // Looked at when it is asked: a small body is there as soon as the packet of its head was read to its end.
    get comingBytes() {
      return raw.complete ? undefined : announced
    },
    async readBody(limits) {
      const failure = failures.get(raw)
      if (failure !== undefined) throw failure.error
      return await readBody(raw, announced, limits, budget, clock)
    },
    header: (name, value) => void reply.header(name, value),
    nobodyWaits: () => clientGoneOr(closing, reply),
  }
}

/** As the lane has it, which knows the limits of its bodies. Nobody waits there for more than the body to be safe. */
export function askedOfUpload(
  { closing }: Pick<Surroundings, 'closing'>,
  upload: Upload,
  answerHeaders: Record<string, string>,
): Asked {
  const { bytes, isThere, receive } = upload
  return {
    ...upload,
    comingBytes: isThere ? undefined : bytes,
    readBody: receive,
    header: (name, value) => void (answerHeaders[name] = value),
    nobodyWaits: () => closing,
  }
}
