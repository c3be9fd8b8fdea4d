import type { AppError, ErrorCode } from '../../base/errors.ts'

/**
 * A failure as clients of Treasure Data read it. Which key they show differs: Ruby's takes `message`, those of Node and Java
 * `error`. All of them get the same sentence.
 */
export interface ErrorAnswer {
  readonly error: string
  readonly text: string
  readonly severity: 'error'
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * Statuses decide what clients do next. Those of 500 and more are repeated for up to ten minutes, so what will not pass by
 * itself must not be one; 409 means “is there already” and is ignored by some, so nothing else may be one; and an upload that
 * is refused with another 4xx than 429 is thrown away, so what may pass by itself must not be one.
 */
const statuses: Partial<Record<ErrorCode, number>> = {
  invalid_name: 422,
  invalid_request: 422,
  overloaded: 429,
  request_timeout: 503,
  conflict: 503,
  bulk_import_state: 422,
  result_not_ready: 404,
  result_expired: 404,
  snapshot_expired: 404,
  database_not_empty: 422,
  job_killed: 422,
  lease_lost: 503,
}

export function statusOf({ code, status, retryable }: AppError): number {
  const known = statuses[code]
  if (known !== undefined) return known
  if (status < 500 || code === 'internal') return status
  return retryable ? 503 : 422
}

/** How long clients are asked to wait where nothing better is known. */
const retrySecondsDefault = 2

/** For the header Retry-After; undefined where waiting does not help. */
export function retryAfterOf(error: AppError): number | undefined {
  const status = statusOf(error)
  if (status !== 429 && status !== 503) return undefined
  return Math.ceil(error.retryAfterSeconds ?? retrySecondsDefault)
}

/** The failure with all that goes with it. */
export function failureAnswer(error: AppError): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorAnswer
} {
  const headers: Record<string, string> = {}
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'TD1 realm="biwa"'
  // Whoever sends too slowly is not to hold the connection any longer.
  if (error.code === 'request_timeout') headers['connection'] = 'close'
  return { status: statusOf(error), headers, body: errorAnswer(error) }
}

export function errorAnswer(error: AppError): ErrorAnswer {
  const sentence = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
  return {
    error: sentence,
    text: sentence,
    severity: 'error',
    message: sentence,
    details: { code: error.code, ...error.details },
  }
}
