/**
 * The catalogue of expected failures. Each code is part of the public API: it never changes its meaning, and its
 * docstring is its manual. Everything that is not an `AppError` is a bug and ends the process.
 */

interface ErrorSpec {
  /** The HTTP status our own API answers with; protocols translate. */
  readonly status: number
  /** Whether the same request can succeed later without being changed. */
  readonly retryable: boolean
  /** A short summary that does not vary between occurrences (RFC 9457 §3.1.3). */
  readonly title: string
}

const spec = (status: number, title: string, retryable = false): ErrorSpec => ({ status, title, retryable })

export const errorCatalogue = {
  /** The request does not have the shape that the API's contract states; `detail` names the field. */
  invalid_request: spec(400, 'The request is not valid'),
  /** A database, table, column or id breaks the name rules; `detail` repeats the rule. */
  invalid_name: spec(400, 'The name is not valid'),
  /** No API key, or one that does not exist or is revoked. */
  unauthenticated: spec(401, 'A valid API key is required'),
  /** The key is valid but may not do this. */
  forbidden: spec(403, 'The API key may not do this'),
  /** The key is bound to origins of web pages, and the request comes from none of them. */
  origin_not_allowed: spec(403, 'The API key may not be used from this origin'),
  /** No route answers at this path. */
  route_not_found: spec(404, 'There is nothing at this address'),
  account_not_found: spec(404, 'The account does not exist'),
  user_not_found: spec(404, 'The user does not exist'),
  key_not_found: spec(404, 'The API key does not exist'),
  database_not_found: spec(404, 'The database does not exist'),
  table_not_found: spec(404, 'The table does not exist'),
  /** A view that other engines made, over Iceberg. */
  view_not_found: spec(404, 'The view does not exist'),
  column_not_found: spec(404, 'The column does not exist'),
  job_not_found: spec(404, 'The job does not exist'),
  schedule_not_found: spec(404, 'The schedule does not exist'),
  /** Of the quarantine. */
  record_not_found: spec(404, 'The record is not in the quarantine'),
  limit_not_found: spec(404, 'The limit does not exist'),
  bulk_import_not_found: spec(404, 'The bulk import does not exist'),
  snapshot_not_found: spec(404, 'The table has no such snapshot'),
  /** The job exists but has no result: it failed, was killed, or makes none. */
  result_not_found: spec(404, 'The job has no result'),
  method_not_allowed: spec(405, 'This address does not take this method'),
  /** The client sent its body too slowly. */
  request_timeout: spec(408, 'The request took too long to arrive', true),
  /** Only an empty database is dropped in this way. */
  database_not_empty: spec(409, 'The database is not empty'),
  /** Files of the table are being written anew for a change of its columns; other engines have to wait for that. */
  table_restating: spec(503, 'The table is being restated', true),
  /** What is asked for does not go with how far the bulk import is; the hint says what does. */
  bulk_import_state: spec(409, 'The bulk import is in another state'),
  already_exists: spec(409, 'The thing already exists'),
  /** The job still runs; ask again or wait for it. */
  result_not_ready: spec(409, 'The result is not ready', true),
  /** The thing changed under the request. */
  conflict: spec(409, 'The request lost against another one', true),
  /** The history of the table, or of a dropped one, does not reach back so far; the hint names the oldest snapshot there is. */
  snapshot_expired: spec(410, 'The snapshot is no longer kept'),
  /** The result was deleted after its retention. */
  result_expired: spec(410, 'The result has expired'),
  body_too_large: spec(413, 'The body is too large'),
  /** The body inflates to more than the limit. */
  inflated_too_large: spec(413, 'The inflated body is too large'),
  /** The body inflates by a larger factor than honest data does. */
  inflate_ratio_too_large: spec(413, 'The body inflates by too large a factor'),
  unsupported_format: spec(415, 'The format is not supported'),
  unsupported_encoding: spec(415, 'The content encoding is not supported'),
  range_not_satisfiable: spec(416, 'The range is outside of the object'),
  /** The body is not what its encoding or format says: corrupted gzip, truncated MessagePack, no Parquet footer. */
  body_malformed: spec(422, 'The body cannot be read'),
  /** A record or table would have more columns than the limit. */
  too_many_columns: spec(422, 'There are too many columns'),
  /** A thing of another product's that Biwa does not do, or not yet; the hint says what does it today. */
  not_supported: spec(422, 'Biwa does not do this yet'),
  query_syntax: spec(400, 'The SQL cannot be parsed'),
  /** The SQL parses, but names or types in it do not fit. */
  query_semantic: spec(400, 'The SQL does not fit the data'),
  /** The kind of statement is not one that queries may use. */
  statement_not_allowed: spec(403, 'The statement is not allowed'),
  function_not_allowed: spec(403, 'The function is not allowed'),
  /** The plan would read more bytes than the limit; nothing was read. */
  scan_limit_exceeded: spec(422, 'The query would scan too much'),
  /** The data met in execution does not allow the operation: overflow, division, bad cast. */
  query_data: spec(422, 'The query failed on the data'),
  query_timeout: spec(422, 'The query took too long'),
  query_memory_exceeded: spec(422, 'The query needs more memory than it may have'),
  /** The result or its temporary files outgrow the disk allowance. */
  query_disk_exceeded: spec(422, 'The query needs more disk than it may have'),
  job_killed: spec(409, 'The job was killed'),
  /** An attempt took longer than the job allows. */
  job_timeout: spec(422, 'The job took too long'),
  /** The attempt said nothing new of its progress for too long. */
  job_stalled: spec(504, 'The job made no progress', true),
  /** The process that ran the job died; the job is tried again. */
  worker_lost: spec(503, 'The worker was lost', true),
  /** The worker no longer holds the job's lease: another attempt owns it. */
  lease_lost: spec(409, 'The lease was lost'),
  too_many_requests: spec(429, 'There are too many requests', true),
  /** A buffer is full; the request was refused before anything of it was kept. */
  overloaded: spec(429, 'The server is at its limit', true),
  /** The disk under the inbox fails: nothing of the request was kept. */
  inbox_unavailable: spec(503, 'The inbox cannot be written', true),
  shutting_down: spec(503, 'The server is shutting down', true),
  database_unavailable: spec(503, 'The metadata database is unavailable', true),
  object_store_unavailable: spec(503, 'The object store is unavailable', true),
  /** A system that is not ours, such as a source or a destination, does not answer. */
  remote_unavailable: spec(503, 'A remote system is unavailable', true),
  object_not_found: spec(500, 'A stored object is missing'),
  /** The object is there, but not what was written: cut, or changed behind our back. `biwa verify` names such objects. */
  object_damaged: spec(500, 'A stored object is damaged'),
  /** The wait ended before the work did; the work goes on. */
  wait_timeout: spec(504, 'The wait ended before the work did', true),
  storage_full: spec(507, 'The disk is full', true),
  /** The process cannot start as it was asked to: a busy port, a locked directory, a database of a newer version. */
  startup: spec(500, 'Biwa cannot start'),
  /** A bug of ours. */
  internal: spec(500, 'Biwa failed on its own account'),
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof errorCatalogue

interface ErrorFields {
  /** What the user can do next, as a sentence. */
  readonly hint?: string
  /** Where in the input: characters or bytes from 0, and line and column from 1 where they help. */
  readonly position?: ErrorPosition
  readonly retryAfterSeconds?: number
  /** Facts for programs, such as the id of the thing that is in the way. */
  readonly details?: ErrorDetails
  readonly cause?: unknown
}

export type ErrorDetails = Readonly<Record<string, string | number>>

export interface ErrorPosition {
  readonly offset?: number
  readonly line?: number
  readonly column?: number
}

/** The plain form of an `AppError`, as it crosses process borders and rests in job rows. */
export interface ErrorRecord {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly position?: ErrorPosition
  readonly retryAfterSeconds?: number
  readonly details?: ErrorDetails
}

/** An expected failure: `message` says what went wrong with which thing, `hint` what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly position: ErrorPosition | undefined
  readonly retryAfterSeconds: number | undefined
  readonly details: ErrorDetails | undefined

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = code
    this.hint = fields.hint
    this.position = fields.position
    this.retryAfterSeconds = fields.retryAfterSeconds
    this.details = fields.details
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }

  get retryable(): boolean {
    return errorCatalogue[this.code].retryable
  }

  toRecord(): ErrorRecord {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.position !== undefined && { position: this.position }),
      ...(this.retryAfterSeconds !== undefined && { retryAfterSeconds: this.retryAfterSeconds }),
      ...(this.details !== undefined && { details: this.details }),
    }
  }

  /** Without the trace of where it was made: for what is refused by the hundred in a second, of which a trace would take a tenth and more. */
  static untraced(code: ErrorCode, message: string, fields: ErrorFields = {}): AppError {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    try {
      return new this(code, message, fields)
    } finally {
      Error.stackTraceLimit = limit
    }
  }

  static fromRecord(record: ErrorRecord): AppError {
    // Not by its name: a bundler renames classes that speak of themselves, and logs tell the kind of an error by its class.
    return new this(record.code, record.message, record)
  }
}

/** Says whether `error` is a failure of this code. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}

/** States what the code around it relies on; a failure is a bug and is meant to crash. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

/** The value, which by the logic of the program is there. */
export function must<T>(value: T | null | undefined, message: string): T {
  assert(value !== null && value !== undefined, message)
  return value
}
