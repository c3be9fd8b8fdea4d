import type { FastifyReply, FastifyRequest } from 'fastify'

import type { AppError } from '../base/errors.ts'
import { errorCatalogue } from '../base/errors.ts'
import type { Problem } from './contract/problem.ts'
import { problemMediaType } from './contract/problem.ts'

/** The answer to a failure (RFC 9457). */
export function problemOf(error: AppError, instance: string, requestId: string): Problem {
  const { code, message, hint, position } = error
  return {
    type: `urn:biwa:problem:${code}`,
    title: errorCatalogue[code].title,
    status: error.status,
    detail: message,
    instance,
    code,
    request_id: requestId,
    retryable: error.retryable,
    ...(hint !== undefined && { hint }),
    ...(position !== undefined && { position }),
  }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const problem = problemOf(error, pathOf(request.url), request.id)
  // Some requests fail before any hook has seen them.
  void reply.header('x-request-id', request.id)
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterSeconds))
  if (error.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="biwa"')
  // Whoever sends too slowly is not to hold the connection any longer.
  if (error.code === 'request_timeout') void reply.header('connection', 'close')
  // As bytes, because Fastify would add a charset to text, which this media type has not.
  return reply
    .status(problem.status)
    .header('content-type', problemMediaType)
    .send(Buffer.from(JSON.stringify(problem)))
}

/** The query may hold what is nobody's business in a log or an answer. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}
