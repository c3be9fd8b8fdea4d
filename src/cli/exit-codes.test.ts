import { expect, test } from 'vitest'

import { errorCatalogue } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { exitCodeOf } from './exit-codes.ts'

const expected: readonly [code: ErrorCode, exitCode: number][] = [
  ['internal', 1],
  ['object_not_found', 1],
  ['invalid_request', 2],
  ['invalid_name', 2],
  ['body_malformed', 2],
  ['body_too_large', 2],
  ['unauthenticated', 3],
  ['forbidden', 3],
  ['table_not_found', 4],
  ['result_expired', 4],
  ['already_exists', 5],
  ['conflict', 5],
  ['query_syntax', 6],
  ['query_timeout', 6],
  ['statement_not_allowed', 6],
  ['scan_limit_exceeded', 6],
  ['job_killed', 7],
  ['wait_timeout', 8],
  ['overloaded', 69],
  ['too_many_requests', 69],
  ['database_unavailable', 69],
  ['storage_full', 69],
]

test.each(expected)('%s ends with %i', (code, exitCode) => {
  expect(exitCodeOf({ code, status: errorCatalogue[code].status })).toBe(exitCode)
})

test('every failure of the server ends with something else than success', () => {
  for (const [code, { status }] of Object.entries(errorCatalogue))
    expect(exitCodeOf({ code, status })).toBeGreaterThan(0)
})
