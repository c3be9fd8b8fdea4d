import type { FastifyReply } from 'fastify'

import { AppError } from '../errors.ts'

/** Aborted when the client goes away. Fastify's own signal follows the request, which is over as soon as its body was read. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(wentAway())
  })
  return gone.signal
}

/**
 * Aborted when the client goes away, or with the server that closes. `AbortSignal.any` would say the same, but Node.js 20 keeps a trace of
 * each signal that it makes for as long as the server's lives.
 */
export function clientGoneOr(closing: AbortSignal, reply: FastifyReply): AbortSignal {
  const over = new AbortController()
  const close = (): void => over.abort(closing.reason)
  closing.addEventListener('abort', close)
  reply.raw.once('close', () => {
    closing.removeEventListener('abort', close)
    if (!reply.raw.writableFinished) over.abort(wentAway())
  })
  if (closing.aborted) close()
  return over.signal
}

const wentAway = (): AppError => new AppError('request_timeout', 'The client went away.')
