import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

import { AppError, errorCatalogue, isAppError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
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

/** What Fastify itself refuses, in our words. */
const frameworkCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_format', 'The header Content-Type cannot be read.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The path has a percent sign that is no valid encoding.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_name', 'A part of the path is longer than any name may be.'],
}

/** The expected failure behind whatever was thrown while a request was served; undefined where it is a bug. */
export function expectedFailure(error: unknown): AppError | undefined {
  if (isAppError(error)) return error
  if (!(error instanceof Error)) return undefined
  const { code, statusCode } = error as FastifyError
  if (code === undefined || !code.startsWith('FST_') || statusCode === undefined || statusCode >= 500) return undefined
  const [ours, message] = frameworkCodes[code] ?? ['invalid_request', error.message]
  return new AppError(ours, message, { hint: 'See /api/v1/openapi.json for what the API takes.', cause: error })
}
