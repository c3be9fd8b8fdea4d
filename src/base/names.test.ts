import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { AppError } from './errors.ts'
import { isAppError } from './errors.ts'
import { columnNameProblem, requireColumnName, requireName } from './names.ts'

function failure(call: () => unknown): AppError {
  try {
    call()
  } catch (error) {
    if (isAppError(error, 'invalid_name')) return error
  }
  throw new Error('it was allowed')
}

describe('names of databases and tables', () => {
  test.each(['a', '_', 'web_logs', 'x9', 'a'.repeat(128)])('%s is allowed', (name) => {
    expect(requireName('table', name)).toBe(name)
  })

  test.each(['', '9a', 'a-b', 'A', 'a.b', 'ä', 'a\n', 'a'.repeat(129), '../x', "'; drop table x"])(
    '%j is refused',
    (name) => {
      const error = failure(() => requireName('database', name))
      expect(error.message).toContain('1 to 128 characters')
      expect(error.hint).toBeDefined()
    },
  )

  test('the hint is a name that is allowed', () => {
    expect(failure(() => requireName('table', 'WebLogs')).hint).toBe('Use "weblogs".')
    expect(failure(() => requireName('table', '2026 sales')).hint).toBe('Use "_2026_sales".')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        if (/^[a-z_][a-z0-9_]{0,127}$/.test(name)) return
        const suggested = /"(.*)"/.exec(failure(() => requireName('table', name)).hint ?? '')?.[1]
        if (suggested !== undefined) requireName('table', suggested)
      }),
    )
  })
})

describe('names of columns', () => {
  test.each(['a', 'Ä b', 'a"b', '価格', 'x'.repeat(255)])('%s is allowed', (name) => {
    expect(requireColumnName(name)).toBe(name)
  })

  test.each([
    ['', 'is empty'],
    ['é'.repeat(128), 'longer than 255 bytes'],
    ['a\u0000b', 'control character'],
    ['a\u0085', 'control character'],
    ['\ud800', 'half of a character'],
    ['time', 'reserved'],
    ['Time_US', 'reserved'],
    ['_rescued', 'reserved'],
  ])('%j is refused', (name, problem) => {
    expect(columnNameProblem(name)).toContain(problem)
    expect(failure(() => requireColumnName(name)).message).toContain(problem)
  })
})
