import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { JobHandler } from './jobs.ts'
import type { Outcome } from './outcome.ts'
import { outcomeOfFailure, succeeded } from './outcome.ts'
import type { RunningAttempt } from './running-attempt.ts'
import { storedJson } from './stored-json.ts'

/** A handler that keeps the time itself can say better what took too long: it is given the first word. */
const timeoutSlackMs = 500

/** How long a handler may go on after it was told to end, before it is left to itself. */
const endingMs = 5000

/** The longest that timers can be set to. */
const timerMaxMs = 2 ** 31 - 1

/**
 * Runs the handler to its end, or until it was told to end and does not. Never rejects; undefined where the lease was
 * lost on the way, and nothing of the attempt counts.
 */
export async function runHandler(
  handler: JobHandler,
  attempt: RunningAttempt,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<Outcome | undefined> {
  const { id, kind, timeoutMs } = attempt.job
  const cancelTimeout =
    timeoutMs === null
      ? () => {}
      : clock.schedule(Math.min(timeoutMs + timeoutSlackMs, timerMaxMs), () => attempt.end(timedOut(id, timeoutMs)))
  const over = new AbortController()
  const handled = handle(handler, attempt, log)
  const outcome = await Promise.race([handled, ignored(attempt, clock, over.signal)])
  over.abort()
  cancelTimeout()
  if (outcome !== 'ignored') return outcome
  log.error({ job: id, kind, err: attempt.endedBy }, 'a handler does not end although it was told to')
  return outcomeOfFailure(attempt.endedBy, attempt.endedBy, id)
}

async function handle(handler: JobHandler, attempt: RunningAttempt, log: Logger): Promise<Outcome | undefined> {
  const { id, kind, accountId } = attempt.job
  try {
    return succeeded(storedJson(await handler(attempt)))
  } catch (error) {
    const facts = { job: id, kind, accountId, attempt: attempt.job.attempt, err: error }
    if (error instanceof AppError || attempt.endedBy !== undefined) log.info(facts, 'an attempt failed')
    else log.error(facts, 'a bug failed an attempt')
    return outcomeOfFailure(error, attempt.endedBy, id)
  }
}

/** Resolves when the handler has gone on for too long after it was told to end, or the attempt is over. */
async function ignored(attempt: RunningAttempt, clock: Clock, over: AbortSignal): Promise<'ignored'> {
  await new Promise<void>((resolve) => {
    if (attempt.signal.aborted || over.aborted) return resolve()
    attempt.signal.addEventListener('abort', () => resolve(), { once: true })
    over.addEventListener('abort', () => resolve(), { once: true })
  })
  await clock.sleep(endingMs, over)
  return 'ignored'
}

function timedOut(jobId: number, timeoutMs: number): AppError {
  return new AppError('job_timeout', `Job ${jobId} took longer than its ${timeoutMs / 1000} s.`, {
    hint: 'Submit it with a longer timeout, or split the work into several jobs.',
  })
}
