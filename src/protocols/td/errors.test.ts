import { describe, expect, it } from 'vitest'

import { AppError, errorCatalogue } from '../../base/errors.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { errorAnswer, retryAfterOf, statusOf } from './errors.ts'

const codes = Object.keys(errorCatalogue) as ErrorCode[]

describe('a failure', () => {
  it.each(codes)('%s is repeated by clients if, and only if, it may pass', (code) => {
    const error = new AppError(code, 'It failed.')
    const isRepeated = statusOf(error) === 429 || statusOf(error) >= 500
    // A bug is answered as one: the process starts anew. Nothing changes for a result by waiting in the request for it.
    const mayPass = error.retryable || code === 'internal' || code === 'lease_lost'
    expect(isRepeated).toBe(mayPass && code !== 'result_not_ready')
    expect(retryAfterOf(error) !== undefined).toBe(isRepeated && code !== 'internal')
  })

  it('is 409 only where something exists already', () => {
    expect(codes.filter((code) => statusOf(new AppError(code, 'x')) === 409)).toEqual(['already_exists'])
  })

  it('says the same under each key that clients read', () => {
    const fields = { hint: 'Make it.', details: { conflicts_with: 7 } }
    const error = new AppError('table_not_found', 'There is no table.', fields)
    const sentence = 'There is no table. Make it.'
    expect(errorAnswer(error)).toEqual({
      error: sentence,
      text: sentence,
      severity: 'error',
      message: sentence,
      details: { code: 'table_not_found', conflicts_with: 7 },
    })
  })
})
