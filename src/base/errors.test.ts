import { expect, test } from 'vitest'

import { AppError } from './errors.ts'

test('an error without a trace is as any other, and leaves others theirs', () => {
  const fields = { hint: 'later', retryAfterSeconds: 3 }
  const [untraced, traced] = [
    AppError.untraced('overloaded', 'full', fields),
    new AppError('overloaded', 'full', fields),
  ]
  expect(untraced.stack).toMatch(/^\w+: full$/)
  expect(traced.stack).toContain('errors.test.ts')
  expect(untraced.toRecord()).toEqual(traced.toRecord())
})
