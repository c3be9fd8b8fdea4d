import type { AppError, ErrorCode } from '../../base/errors.ts'

/** A failure as the specification has it (“ErrorModel”). */
export interface ErrorAnswer {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly code: number
    readonly stack: readonly string[]
  }
}

/** The names of Java's exceptions, by which clients tell failures of one status apart. */
const types: Partial<Record<ErrorCode, string>> = {
  database_not_found: 'NoSuchNamespaceException',
  table_not_found: 'NoSuchTableException',
  view_not_found: 'NoSuchViewException',
  database_not_empty: 'NamespaceNotEmptyException',
  already_exists: 'AlreadyExistsException',
  conflict: 'CommitFailedException',
  unauthenticated: 'NotAuthorizedException',
  forbidden: 'ForbiddenException',
  origin_not_allowed: 'ForbiddenException',
  internal: 'InternalServerError',
}

/** Clients know few statuses: whatever is wrong with a request is 400 to them, and what may pass is 503. */
function statusOf({ code, status, retryable }: AppError): number {
  if (types[code] !== undefined || status === 404 || status === 405) return status
  if (status >= 500) return retryable ? 503 : 500
  return 400
}

const typesOfStatus: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  404: 'NotFoundException',
  405: 'UnsupportedOperationException',
  500: 'InternalServerError',
  503: 'ServiceUnavailableException',
}

export function errorAnswer(error: AppError): ErrorAnswer {
  const code = statusOf(error)
  const type = types[error.code] ?? typesOfStatus[code] ?? 'BadRequestException'
  const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
  return { error: { message, type, code, stack: [] } }
}
