import { AppError, errorCatalogue } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { JobEvent } from './transitions.ts'

/** How an attempt ended, before the queue decides what follows from it. */
export interface Outcome {
  readonly event: Exclude<JobEvent, 'acquire' | 'kill'>
  /** JSON text. */
  readonly output: string | null
  readonly error: ErrorRecord | null
  /** For the history. */
  readonly reason: string
}

export function succeeded(output: string | null): Outcome {
  return { event: 'succeed', output, error: null, reason: 'succeeded' }
}

/**
 * What follows from the failure of an attempt that was or was not told to end before; undefined where the lease is
 * another's, and nothing of this attempt counts.
 */
export function outcomeOfFailure(error: unknown, endedBy: AppError | undefined, jobId: number): Outcome | undefined {
  switch (endedBy?.code) {
    case undefined:
      return failed(error, jobId)
    case 'lease_lost':
      return undefined
    case 'shutting_down':
      return { event: 'hand_back', output: null, error: null, reason: 'the worker stops' }
    case 'job_killed':
      return { event: 'obey_kill', output: null, error: endedBy.toRecord(), reason: 'killed' }
    case 'job_timeout':
      // A handler that was interrupted may know better what took so long.
      return failed(error instanceof AppError && !error.retryable ? error : endedBy, jobId)
    default:
      return failed(endedBy, jobId)
  }
}

function failed(error: unknown, jobId: number): Outcome {
  if (!(error instanceof AppError)) return failedByBug(jobId)
  const event = errorCatalogue[error.code].retryable ? 'fail_retryable' : 'fail'
  return { event, output: null, error: error.toRecord(), reason: error.code }
}

/** What exactly went wrong is for those who run the server, in its log: the message may hold anything. */
export function failedByBug(jobId: number): Outcome {
  const error: ErrorRecord = {
    code: 'internal',
    message: 'The job failed on account of Biwa, not of what was asked for.',
    hint: `The log of the worker tells more about job ${jobId}.`,
  }
  return { event: 'fail_retryable', output: null, error, reason: error.code }
}
