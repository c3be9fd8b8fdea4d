import { expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import { asFailure, failureText, Failure } from './failure.ts'

test('tells what, where, what next and which request', () => {
  const failure = new Failure(4, 'The table t does not exist.', { where: 'GET /t', hint: 'Make it.', requestId: 'r1' })
  expect(failureText(failure, false)).toBe(
    'error: The table t does not exist.\n  where: GET /t\n  next:  Make it.\n  request r1\n',
  )
  expect(failureText(failure, true)).toContain('\u001b[31merror:\u001b[0m The')
})

test('points at the place in the SQL', () => {
  const text = 'select a,\n  nme\nfrom t'
  const at = (position: object) => failureText(new Failure(6, 'No.', { sql: { text, position } }), false)
  const expected = 'error: No.\n  2 |   nme\n    |   ^\n'
  expect(at({ line: 2, column: 3 })).toBe(expected)
  expect(at({ offset: 12 })).toBe(expected)
  expect(at({ line: 99 })).toBe('error: No.\n')
  expect(at({})).toBe('error: No.\n')
})

test('cuts a long line around the place', () => {
  const text = `${'x'.repeat(500)}!${'y'.repeat(500)}`
  const [, line = '', caret = ''] = failureText(
    new Failure(6, 'No.', { sql: { text, position: { offset: 500 } } }),
    false,
  ).split('\n')
  expect(line.length).toBeLessThan(140)
  expect(line.charAt(caret.indexOf('^'))).toBe('!')
})

test('shows control characters and does not send them', () => {
  expect(failureText(new Failure(1, 'a\u001b]0;x\u0007'), false)).toBe('error: a\\u001b]0;x\\u0007\n')
})

test('takes what a server command throws for one sentence, and a bug for a bug', () => {
  const startup = asFailure(new AppError('startup', 'The port is taken.', { hint: 'Take another.' }))
  expect(failureText(startup, false)).toBe('error: The port is taken.\n  next:  Take another.\n')
  expect(asFailure(new TypeError('x is not a function'))).toMatchObject({ exitCode: 1, message: /bug/ })
})
