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
