import { AppError, errorCatalogue } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import { pgCode } from '../base/postgres/postgres.ts'
import { causeOfCode, codeOfSystemCode, retryRules, unknownAttemptsMax } from './retry-rules.ts'
import type { JobEvent } from './transitions.ts'

/** How an attempt ended, before the queue decides what follows from it. */
export interface Outcome {
  readonly event: Exclude<JobEvent, 'fall_due' | 'acquire' | 'kill'>
  /** JSON text. */
  readonly output: string | null
  readonly error: ErrorRecord | null
  /** For the history. */
  readonly reason: string
  /** Of attempts, where the failure allows fewer than the job. */
  readonly attemptsMax?: number
}

export function succeeded(output: string | null): Outcome {
  return { event: 'succeed', output, error: null, reason: 'succeeded' }
}

/** Of an attempt that never began: its worker had taken more than it could begin soon. */
export const givenBack: Outcome = {
  event: 'hand_back',
  output: null,
  error: null,
  reason: 'the worker is busy with others',
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
      return failed(error instanceof AppError && isFinal(error) ? error : endedBy, jobId)
    default:
      return failed(endedBy, jobId)
  }
}

function isFinal({ code }: AppError): boolean {
  return retryRules[causeOfCode[code]].action === 'never'
}

function failed(error: unknown, jobId: number): Outcome {
  const known = error instanceof AppError ? error : systemFailure(error, jobId)
  if (known === undefined) return failedByBug(jobId)
  const { action } = retryRules[causeOfCode[known.code]]
  const facts = { output: null, error: known.toRecord(), reason: known.code }
  if (action === 'never') return { event: 'fail', ...facts }
  if (action === 'retry_twice') return { event: 'fail_retryable', attemptsMax: unknownAttemptsMax, ...facts }
  return { event: 'fail_retryable', ...facts }
}

/** A failure of the database or of a connection that nobody has put into words, but that is known to pass. */
function systemFailure(error: unknown, jobId: number): AppError | undefined {
  const systemCode = pgCode(error)
  const code = systemCode === undefined ? undefined : codeOfSystemCode.get(systemCode)
  if (code === undefined) return undefined
  return new AppError(code, `${errorCatalogue[code].title}: ${systemCode}.`, {
    hint: `It is tried again by itself. The log of the worker tells more about job ${jobId}.`,
    cause: error,
  })
}

/** What exactly went wrong is for those who run the server, in its log: the message may hold anything. */
export function failedByBug(jobId: number): Outcome {
  const error: ErrorRecord = {
    code: 'internal',
    message: 'The job failed on account of Biwa, not of what was asked for.',
    hint: `The log of the worker tells more about job ${jobId}.`,
  }
  return { event: 'fail_retryable', output: null, error, reason: error.code, attemptsMax: unknownAttemptsMax }
}
