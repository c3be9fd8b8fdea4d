import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify'

import type { ErrorCode } from '../errors.ts'
import { AppError, isAppError } from '../errors.ts'

/**
 * The failure to answer with, whatever was thrown while a request was served, in the log with its cause where that is ours. Of
 * a bug, `onBug` hears after the answer: the state of the process is unknown from then on.
 */
export function failureOf(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  onBug: (error: unknown) => void,
): AppError {
  const expected = expectedFailure(error)
  if (expected !== undefined) {
    if (expected.status >= 500) request.log.error({ err: expected }, 'a request failed')
    return expected
  }
  reply.raw.once('close', () => onBug(error))
  return bugFailure(error, request.log, request.routeOptions.url, request.id)
}

/** What is told of a bug: all of it to the log, and to the client that it is none of its own. */
export function bugFailure(
  error: unknown,
  log: FastifyBaseLogger,
  route: string | undefined,
  requestId: string,
): AppError {
  log.fatal({ err: error, route }, 'a bug broke a request')
  const hint = `Please report it with the request id ${requestId}. The server starts itself anew.`
  return new AppError('internal', 'Biwa met a bug of its own and could not answer.', { hint })
}

/** What Fastify itself refuses, in our words. */
const frameworkCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_format', 'The header Content-Type cannot be read.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The path has a percent sign that is no valid encoding.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_name', 'A part of the path is longer than any name may be.'],
}

/** The expected failure behind whatever was thrown; undefined where it is a bug. */
function expectedFailure(error: unknown): AppError | undefined {
  if (isAppError(error)) return error
  if (!(error instanceof Error)) return undefined
  const { code, statusCode } = error as FastifyError
  if (code === undefined || !code.startsWith('FST_') || statusCode === undefined || statusCode >= 500) return undefined
  const [ours, message] = frameworkCodes[code] ?? ['invalid_request', error.message]
  return new AppError(ours, message, { cause: error })
}
