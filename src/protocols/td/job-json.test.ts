import { describe, expect, test } from 'vitest'

import type { Job } from '../../jobs/jobs.ts'
import { failureText, tdStateOf, typeOf } from './job-json.ts'

describe('the failure of a job', () => {
  test('has its place, its line and what to do', () => {
    const failure = { code: 'query_semantic', message: 'No column "x".', hint: 'Did you mean "y"?' } as const
    expect(failureText({ ...failure, position: { offset: 9, line: 2, column: 3 } }, 'select\n\t x')).toBe(
      'line 2:3: No column "x". (query_semantic)\n\t x\n\t ^\nHint: Did you mean "y"?\n',
    )
    expect(failureText({ code: 'internal', message: 'Oh.' }, 'select 1')).toBe('Oh. (internal)\n')
  })

  test('shows the part of a long line around its place', () => {
    const sql = `select ${'a, '.repeat(1000)}x from t`
    const column = sql.indexOf('x') + 1
    const [, line = '', caret = ''] = failureText(
      { code: 'query_semantic', message: 'No.', position: { line: 1, column } },
      sql,
    ).split('\n')
    expect(line.length).toBeLessThanOrEqual(120)
    expect(line[caret.indexOf('^')]).toBe('x')
  })
})

test('states and types are those that clients know', () => {
  const job = (fields: Partial<Job>) => ({ kind: 'query', input: {}, progress: null, ...fields }) as Job
  const states = ['queued', 'delayed', 'retry_wait', 'running', 'success', 'error', 'dead', 'killed'] as const
  expect(states.map((state) => tdStateOf(job({ state })))).toEqual(
    'queued queued queued booting success error error killed'.split(' '),
  )
  expect(tdStateOf(job({ state: 'running', progress: { stage: 'running' } }))).toBe('running')
  const types = [
    job({}),
    job({ kind: 'batch' }),
    job({ input: { submittedAs: 'trino' } }),
    job({ kind: 'bulk_import' }),
    job({ kind: 'result_export' }),
  ]
  expect(types.map(typeOf)).toEqual(['presto', 'hive', 'trino', 'bulk_import_perform', 'result_export'])
})
