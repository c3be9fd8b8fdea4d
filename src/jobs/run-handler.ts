import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { JobKind } from './jobs.ts'
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

interface Parts {
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Runs the handler to its end, or until it was told to end and does not. Never rejects; undefined where the lease was
 * lost on the way, and nothing of the attempt counts.
 */
export function runHandler(
  kind: JobKind,
  attempt: RunningAttempt,
  { clock, log }: Parts,
): Promise<Outcome | undefined> {
  const { id } = attempt.job
  // It was killed, or its lease was lost, between the lease and now.
  if (attempt.endedBy !== undefined) return Promise.resolve(outcomeOfFailure(attempt.endedBy, attempt.endedBy, id))
  return new Promise((resolve) => {
    const cancels = watchTime(kind, attempt, clock)
    attempt.onEnd((reason) => {
      const leaveToItself = () => {
        log.error({ job: id, kind: kind.kind, err: reason }, 'a handler does not end although it was told to')
        for (const cancel of cancels) cancel()
        resolve(outcomeOfFailure(reason, reason, id))
      }
      cancels.push(clock.schedule(endingMs, leaveToItself))
    })
    void handle(kind, attempt, log).then((outcome) => {
      // While its end is being written, it may still be told to end.
      attempt.onEnd(() => {})
      for (const cancel of cancels) cancel()
      resolve(outcome)
    })
  })
}

/** Ends the attempt when it takes too long, or says nothing new for too long. */
function watchTime(kind: JobKind, attempt: RunningAttempt, clock: Clock): (() => void)[] {
  const { id, timeoutMs } = attempt.job
  const cancels: (() => void)[] = []
  if (timeoutMs !== null) {
    const ms = Math.min(timeoutMs + timeoutSlackMs, timerMaxMs)
    cancels.push(clock.schedule(ms, () => attempt.end(timedOut(id, timeoutMs))))
  }
  const { stallMs } = kind
  if (stallMs !== undefined) {
    const stall = () => attempt.end(stalled(id, stallMs))
    let cancelStall = clock.schedule(stallMs, stall)
    attempt.onProgress(() => {
      cancelStall()
      cancelStall = clock.schedule(stallMs, stall)
    })
    cancels.push(() => {
      attempt.onProgress(() => {})
      cancelStall()
    })
  }
  return cancels
}

async function handle(kind: JobKind, attempt: RunningAttempt, log: Logger): Promise<Outcome | undefined> {
  const { id, accountId } = attempt.job
  try {
    return succeeded(storedJson(await kind.handler(attempt)))
  } catch (error) {
    const facts = { job: id, kind: kind.kind, accountId, attempt: attempt.job.attempt, err: error }
    if (error instanceof AppError || attempt.endedBy !== undefined) log.info(facts, 'an attempt failed')
    else log.error(facts, 'a bug failed an attempt')
    return outcomeOfFailure(error, attempt.endedBy, id)
  }
}

function timedOut(jobId: number, timeoutMs: number): AppError {
  return new AppError('job_timeout', `Job ${jobId} took longer than its ${timeoutMs / 1000} s.`, {
    hint: 'Submit it with a longer timeout, or split the work into several jobs.',
  })
}

function stalled(jobId: number, stallMs: number): AppError {
  return new AppError('job_stalled', `Job ${jobId} made no progress for ${stallMs / 1000} s.`, {
    hint: 'It is tried again by itself; its history and the log of the worker tell where it stood.',
  })
}
