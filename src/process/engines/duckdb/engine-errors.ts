import { diskFailure } from '../../../base/duckdb/disk-failures.ts'
import type { ErrorCode, ErrorPosition } from '../../../base/errors.ts'
import { AppError } from '../../../base/errors.ts'
import { functionNames } from '../../functions/library.ts'
import { translatedNames } from '../../planning/dialects/calls.ts'
import { nearestName } from '../../planning/nearest-name.ts'
import { characterOfByte, placeAt } from '../../planning/places.ts'
import type { EngineSql } from './tasks.ts'

/** An error of DuckDB by its fields, as `errors_as_json` gives them. */
export interface EngineFailure {
  readonly type: string
  readonly message: string
  /** Bytes from the beginning of what DuckDB was given. */
  readonly byte: number | undefined
  readonly subtype: string
  readonly candidates: readonly string[]
  readonly name: string
}

/** Which of our codes stands for which type of DuckDB's. What is not here is DuckDB's own bug. */
const codes: Readonly<Record<string, ErrorCode>> = {
  parser: 'query_syntax',
  syntax: 'query_syntax',
  binder: 'query_semantic',
  catalog: 'query_semantic',
  'not implemented': 'query_semantic',
  'parameter not resolved': 'query_semantic',
  'parameter not allowed': 'query_semantic',
  'mismatch type': 'query_semantic',
  'unknown type': 'query_semantic',
  'invalid type': 'query_semantic',
  dependency: 'query_semantic',
  expression: 'query_semantic',
  conversion: 'query_data',
  'out of range': 'query_data',
  'divide by zero': 'query_data',
  'invalid input': 'query_data',
  decimal: 'query_data',
  sequence: 'query_data',
  constraint: 'query_data',
  'invalid configuration': 'statement_not_allowed',
  permission: 'statement_not_allowed',
  'missing extension': 'query_semantic',
  autoload: 'query_semantic',
  'out of memory': 'query_memory_exceeded',
  'object size': 'query_memory_exceeded',
}

/** The fields of an error that DuckDB threw; undefined where it comes from elsewhere and is a bug of ours. */
export function engineFailure(error: unknown): EngineFailure | undefined {
  if (!(error instanceof Error)) return undefined
  const json = error.message.slice(error.message.indexOf('{'))
  try {
    return failureOf(JSON.parse(json) as Record<string, unknown>)
  } catch {
    // Errors of statement extraction and of a failed allocation come as plain text.
    const plain = /^(?:Failed to .*?: )?([A-Z][A-Za-z ]+) Error: ([^]*)$/.exec(error.message)
    return plain === null ? undefined : failureOf({ exception_type: plain[1], exception_message: plain[2] })
  }
}

/** Also reads what `json_serialize_sql` and `json_serialize_plan` answer with: the same under other names. */
export function failureOf(fields: Readonly<Record<string, unknown>>): EngineFailure {
  const text = (...keys: readonly string[]): string => {
    const found = keys.map((key) => fields[key]).find((value) => typeof value === 'string')
    return typeof found === 'string' ? found : ''
  }
  const candidates = text('candidates')
  return {
    type: text('exception_type', 'error_type').toLowerCase(),
    message: text('exception_message', 'error_message'),
    byte: text('position') === '' ? undefined : Number(text('position')),
    subtype: text('error_subtype'),
    candidates: candidates === '' ? [] : candidates.split(',').map((candidate) => candidate.trim()),
    name: text('name'),
  }
}

/** A disk that is full or fails is nobody's query: undefined where the failure is another one. */
export function diskError({ type, message }: EngineFailure, temporaryBytes: number): AppError | undefined {
  return diskFailure(new Error(type.toLowerCase() === 'io' ? `IO Error: ${message}` : message), temporaryBytes)
}

/**
 * What went wrong, for the user: our code, DuckDB's first sentence, the place in the SQL as it was sent (`prefixBytes` is
 * what we wrote before it), and the candidates as a hint.
 */
export function queryError(failure: EngineFailure, text: EngineSql, prefixBytes = 0): AppError {
  const code = codeOf(failure)
  const place = positionOf(failure, text, prefixBytes)
  const hint = hintOf(failure, code)
  return new AppError(code, sentence(failure, code), {
    ...(hint !== undefined && { hint }),
    ...(place !== undefined && { position: place }),
  })
}

function codeOf({ type, message }: EngineFailure): ErrorCode {
  if (message.includes('max_temp_directory_size')) return 'query_disk_exceeded'
  if (type === 'catalog' && message.includes('Table with name')) return 'table_not_found'
  return codes[type] ?? 'internal'
}

function sentence(failure: EngineFailure, code: ErrorCode): string {
  switch (code) {
    case 'query_memory_exceeded':
      return 'The query needs more memory than it may have.'
    case 'query_disk_exceeded':
      return 'The query needs more temporary disk space than it may have.'
    case 'statement_not_allowed':
      return 'The query reaches for something outside of the tables.'
    case 'internal':
      return `DuckDB failed on this query: ${firstLine(failure.message)}`
    default:
      return firstLine(failure.message)
  }
}

/** DuckDB lists candidates, and what to set instead, on further lines; the first says what is wrong. */
function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? '').trim().slice(0, 1000)
  return /[.!?]$/.test(line) ? line : `${line}.`
}

function hintOf({ candidates, subtype, message, name }: EngineFailure, code: ErrorCode): string | undefined {
  if (candidates.length > 0) {
    if (subtype === 'NO_MATCHING_FUNCTION') {
      return `Cast the arguments so that they fit one of: ${candidates.slice(0, 5).join('; ')}.`
    }
    const isFunction = / Function with name /.test(message)
    const meant = nearestName(name, isFunction ? [...candidates, ...functionNames, ...translatedNames] : candidates)
    const shown = meant === undefined ? candidates.slice(0, 3) : [meant]
    return `Did you mean ${shown.map((candidate) => JSON.stringify(candidate)).join(' or ')}?`
  }
  switch (code) {
    case 'query_memory_exceeded':
      return 'Narrow the time range, select fewer columns, or group by fewer distinct values.'
    case 'query_disk_exceeded':
      return 'Narrow the time range, or select fewer columns, so that less has to be sorted or joined at a time.'
    case 'internal':
      return 'Please report the query; writing it in another way may avoid the failure.'
    case 'query_data':
      return message.includes('TRY_CAST') || message.includes('ould not c') ? 'TRY_CAST gives NULL instead.' : undefined
    default:
      return undefined
  }
}

function positionOf(failure: EngineFailure, text: EngineSql, prefixBytes: number): ErrorPosition | undefined {
  if (failure.byte === undefined || !Number.isSafeInteger(failure.byte)) return undefined
  const character = characterOfByte(text.sql, failure.byte - prefixBytes)
  return character === undefined ? undefined : placeAt(text.whole, text.offset + character)
}
