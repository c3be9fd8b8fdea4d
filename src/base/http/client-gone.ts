import type { FastifyReply } from 'fastify'

import { AppError } from '../errors.ts'

/** Aborted when the client goes away. Fastify's own signal follows the request, which is over as soon as its body was read. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new AppError('request_timeout', 'The client went away.'))
  })
  return gone.signal
}

/**
 * Aborted when the client goes away, or with the server that closes. `AbortSignal.any` would say the same, but Node.js 20 keeps a trace of
 * each signal that it makes for as long as the server's lives.
 */
export function clientGoneOr(closing: AbortSignal, reply: FastifyReply): AbortSignal {
  const over = new AbortController()
  const gone = clientGone(reply)
  const follow = ({ target }: Event): void => over.abort((target as AbortSignal).reason)
  gone.addEventListener('abort', follow)
  closing.addEventListener('abort', follow)
  reply.raw.once('close', () => closing.removeEventListener('abort', follow))
  if (closing.aborted) over.abort(closing.reason)
  return over.signal
}
