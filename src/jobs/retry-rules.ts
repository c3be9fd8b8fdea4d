import type { ErrorCode } from '../base/errors.ts'

/**
 * What is done about a failed attempt.
 *
 * - `retry`: another attempt, after a delay, up to the job's `attemptsMax`; then the job is a dead letter.
 * - `retry_twice`: the same, but never more than `unknownAttemptsMax` attempts.
 * - `never`: the job ends as an error at once.
 * - `no_attempt_spent`: the attempt does not count. A handler that claims this of itself is retried, as if it had failed.
 */
export type RetryAction = 'retry' | 'retry_twice' | 'never' | 'no_attempt_spent'

/** Of a job that fails in a way nobody thought of: three attempts, also where it allows itself more. */
export const unknownAttemptsMax = 3

interface RetryRule {
  readonly action: RetryAction
  /** For docs/retries.md. */
  readonly because: string
}

/** Every cause for which an attempt fails, and what is done about it: the one table for the whole product. */
export const retryRules = {
  network: { action: 'retry', because: 'A connection failed, or the other side did: 5xx, 408.' },
  busy: { action: 'retry', because: 'A limit of the moment, such as 429: never sooner than Retry-After says.' },
  contention: { action: 'retry', because: 'A deadlock, a serialization failure or a lost race: others are done soon.' },
  worker_lost: { action: 'retry', because: 'The process that ran the attempt died.' },
  stalled: { action: 'retry', because: 'The attempt said nothing new of its progress for too long and was ended.' },
  missing_object: {
    action: 'retry',
    because: 'A file was removed while it was to be read: the next attempt reads anew.',
  },
  damage: { action: 'never', because: 'A file is not what was written: it has to be mended first, by biwa verify.' },
  no_space: { action: 'retry', because: 'A disk is full; somebody makes room.' },
  stopping: { action: 'no_attempt_spent', because: 'The worker stops, or lost its lease to another.' },
  killed: { action: 'never', because: 'Somebody asked for the end.' },
  timeout: { action: 'never', because: 'It would take as long again.' },
  memory: { action: 'never', because: 'It would need as much again; there is no bigger pool to name yet.' },
  syntax: { action: 'never', because: 'What was asked for cannot be read.' },
  semantic: { action: 'never', because: 'What was asked for does not fit what there is.' },
  permission: { action: 'never', because: 'It is not allowed, and stays so until somebody allows it.' },
  limit: { action: 'never', because: 'It is larger than it may be.' },
  setup: { action: 'never', because: 'The server is not set up for it.' },
  unknown: { action: 'retry_twice', because: 'A bug of ours, or a failure nobody thought of.' },
} as const satisfies Record<string, RetryRule>

export type RetryCause = keyof typeof retryRules

/** The cause behind each code of the catalogue. A code that is missing here does not compile. */
export const causeOfCode: Readonly<Record<ErrorCode, RetryCause>> = {
  request_timeout: 'network',
  database_unavailable: 'network',
  object_store_unavailable: 'network',
  remote_unavailable: 'network',
  inbox_unavailable: 'network',
  wait_timeout: 'network',
  too_many_requests: 'busy',
  overloaded: 'busy',
  result_not_ready: 'busy',
  table_restating: 'busy',
  conflict: 'contention',
  worker_lost: 'worker_lost',
  job_stalled: 'stalled',
  object_not_found: 'missing_object',
  object_damaged: 'damage',
  storage_full: 'no_space',
  shutting_down: 'stopping',
  lease_lost: 'stopping',
  job_killed: 'killed',
  job_timeout: 'timeout',
  query_timeout: 'timeout',
  query_memory_exceeded: 'memory',
  query_syntax: 'syntax',
  invalid_request: 'syntax',
  invalid_name: 'syntax',
  body_malformed: 'syntax',
  unsupported_format: 'syntax',
  unsupported_encoding: 'syntax',
  range_not_satisfiable: 'syntax',
  route_not_found: 'syntax',
  method_not_allowed: 'syntax',
  query_semantic: 'semantic',
  query_data: 'semantic',
  already_exists: 'semantic',
  account_not_found: 'semantic',
  user_not_found: 'semantic',
  key_not_found: 'semantic',
  database_not_found: 'semantic',
  table_not_found: 'semantic',
  column_not_found: 'semantic',
  job_not_found: 'semantic',
  schedule_not_found: 'semantic',
  record_not_found: 'semantic',
  limit_not_found: 'semantic',
  bulk_import_not_found: 'semantic',
  bulk_import_state: 'semantic',
  view_not_found: 'semantic',
  database_not_empty: 'semantic',
  result_not_found: 'semantic',
  result_expired: 'semantic',
  snapshot_not_found: 'semantic',
  snapshot_expired: 'semantic',
  unauthenticated: 'permission',
  forbidden: 'permission',
  origin_not_allowed: 'permission',
  statement_not_allowed: 'permission',
  function_not_allowed: 'permission',
  body_too_large: 'limit',
  inflated_too_large: 'limit',
  inflate_ratio_too_large: 'limit',
  too_many_columns: 'limit',
  scan_limit_exceeded: 'limit',
  query_disk_exceeded: 'limit',
  not_supported: 'setup',
  startup: 'setup',
  internal: 'unknown',
}

/**
 * What PostgreSQL (SQLSTATE) and the operating system say of failures that pass, in codes of the catalogue: for those
 * that come as they are.
 */
export const codeOfSystemCode: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  ['55P03', 'conflict'],
  ['ECONNRESET', 'remote_unavailable'],
  ['ECONNREFUSED', 'remote_unavailable'],
  ['ECONNABORTED', 'remote_unavailable'],
  ['ETIMEDOUT', 'remote_unavailable'],
  ['EPIPE', 'remote_unavailable'],
  ['EHOSTUNREACH', 'remote_unavailable'],
  ['ENETUNREACH', 'remote_unavailable'],
  ['ENOTFOUND', 'remote_unavailable'],
  ['EAI_AGAIN', 'remote_unavailable'],
  ['ENOSPC', 'storage_full'],
  // A disk that failed may be well again, as a store of objects may: it says nothing of the work.
  ['EIO', 'object_store_unavailable'],
])
