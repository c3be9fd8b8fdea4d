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

/** The problem with all that goes with it, for whoever sends it. */
export function problemAnswer(
  error: AppError,
  url: string,
  requestId: string,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const problem = problemOf(error, pathOf(url), requestId)
  const headers: Record<string, string> = {
    // Some requests fail before any hook has seen them.
    'x-request-id': requestId,
    'content-type': problemMediaType,
  }
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfterSeconds))
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="biwa"'
  // Whoever sends too slowly is not to hold the connection any longer.
  if (error.code === 'request_timeout') headers['connection'] = 'close'
  return { status: problem.status, headers, body: JSON.stringify(problem) }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const { status, headers, body } = problemAnswer(error, request.url, request.id)
  // As bytes, because Fastify would add a charset to text, which this media type has not.
  return reply.status(status).headers(headers).send(Buffer.from(body))
}

/** The query may hold what is nobody's business in a log or an answer. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}
