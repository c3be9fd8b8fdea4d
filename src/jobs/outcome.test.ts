import { describe, expect, test } from 'vitest'

import { AppError } from '../base/errors.ts'
import { outcomeOfFailure } from './outcome.ts'

const retryable = new AppError('worker_lost', 'The engine died.')
const final = new AppError('query_syntax', 'There is an error in the SQL.', { position: { line: 1, column: 2 } })
const eventOf = (error: unknown, endedBy?: AppError) => outcomeOfFailure(error, endedBy, 7)?.event

describe('the outcome of a failed attempt', () => {
  test('is to try again for what is retryable and for bugs', () => {
    expect(eventOf(retryable)).toBe('fail_retryable')
    expect(eventOf(new TypeError('x is undefined'))).toBe('fail_retryable')
    expect(eventOf('a string')).toBe('fail_retryable')
    expect(eventOf(final)).toBe('fail')
  })

  test('keeps what the user can use, and nothing of a bug', () => {
    expect(outcomeOfFailure(final, undefined, 7)?.error).toEqual(final.toRecord())
    const { error } = outcomeOfFailure(new Error('password=hunter2'), undefined, 7) ?? {}
    expect(error?.code).toBe('internal')
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })

  test('follows the reason for which the attempt was told to end', () => {
    const told = (code: ConstructorParameters<typeof AppError>[0]) => new AppError(code, 'End now.')
    const aborted = new Error('aborted')
    expect(eventOf(aborted, told('job_killed'))).toBe('obey_kill')
    expect(eventOf(aborted, told('shutting_down'))).toBe('hand_back')
    expect(eventOf(aborted, told('lease_lost'))).toBeUndefined()
    expect(outcomeOfFailure(aborted, told('job_timeout'), 7)).toMatchObject({
      event: 'fail',
      error: { code: 'job_timeout' },
    })
    expect(outcomeOfFailure(final, told('job_timeout'), 7)?.error?.code).toBe('query_syntax')
    expect(outcomeOfFailure(retryable, told('job_timeout'), 7)?.error?.code).toBe('job_timeout')
  })

  test('retries what nobody thought of twice, and what is known to pass as often as the job allows', () => {
    expect(outcomeOfFailure(new Error('what?'), undefined, 7)?.attemptsMax).toBe(3)
    expect(outcomeOfFailure(new AppError('internal', 'Odd.'), undefined, 7)).toMatchObject({
      event: 'fail_retryable',
      attemptsMax: 3,
    })
    expect(outcomeOfFailure(retryable, undefined, 7)?.attemptsMax).toBeUndefined()
  })

  test('knows deadlocks and failed connections that come without a code of ours', () => {
    const raw = (code: string) => Object.assign(new Error('password=hunter2'), { code })
    const outcome = outcomeOfFailure(raw('40P01'), undefined, 7)
    expect(outcome).toMatchObject({ event: 'fail_retryable', error: { code: 'conflict' } })
    expect(JSON.stringify(outcome)).not.toContain('hunter2')
    expect(outcomeOfFailure(raw('40001'), undefined, 7)?.error?.code).toBe('conflict')
    expect(outcomeOfFailure(raw('ECONNRESET'), undefined, 7)?.error?.code).toBe('remote_unavailable')
    expect(outcomeOfFailure(raw('ENOSPC'), undefined, 7)?.error?.code).toBe('storage_full')
    expect(outcomeOfFailure(raw('EIO'), undefined, 7)?.error?.code).toBe('object_store_unavailable')
    expect(outcomeOfFailure(raw('23505'), undefined, 7)?.error?.code).toBe('internal')
  })

  test('retries a worker that is lost or stalls, and never what needs more memory than there is', () => {
    expect(eventOf('aborted', new AppError('job_stalled', 'Nothing new.'))).toBe('fail_retryable')
    expect(eventOf(new AppError('query_memory_exceeded', 'Too much.'))).toBe('fail')
    expect(eventOf(new AppError('object_not_found', 'Gone.'))).toBe('fail_retryable')
  })
})
