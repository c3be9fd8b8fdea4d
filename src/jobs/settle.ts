import { must } from '../base/errors.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { JobState } from './jobs.ts'
import { killedError } from './kill.ts'
import type { Lease, LeaseFacts } from './lease.sql.ts'
import { lockExpired, lockLease, settleJob } from './lease.sql.ts'
import type { Outcome } from './outcome.ts'
import { retryDelayMs } from './retry-delay.ts'
import { storedJson } from './stored-json.ts'
import { stateAfter } from './transitions.ts'

/** What an attempt left behind. */
export interface EndedAttempt extends Lease {
  readonly outcome: Outcome
  /** JSON text. */
  readonly progress: string | null
}

export interface SettleParts {
  readonly postgres: Postgres
  readonly randomness: Randomness
  /** Who settles, for the history. */
  readonly owner: string
}

/** Writes how the attempt ended. Returns the state that follows; undefined where the lease was lost, without effect. */
export async function settleAttempt(parts: SettleParts, ended: EndedAttempt): Promise<JobState | undefined> {
  if (ended.outcome.event === 'succeed') return await settleSuccess(parts, ended)
  return await parts.postgres.transaction(async (tx) => {
    const facts = await lockLease(tx, ended)
    return facts === undefined ? undefined : await settleFailure(tx, parts, ended, facts)
  })
}

/** The most frequent end depends on nothing but the lease, and so is one statement. */
async function settleSuccess(parts: SettleParts, ended: EndedAttempt): Promise<JobState | undefined> {
  const { output, reason } = ended.outcome
  const settled = await settleJob(parts.postgres, ended, {
    to: 'success',
    output,
    error: null,
    progress: ended.progress,
    delayMs: 0,
    attemptCounts: true,
    actor: parts.owner,
    reason,
  })
  return settled ? 'success' : undefined
}

async function settleFailure(
  tx: Queryable,
  { randomness, owner }: SettleParts,
  { outcome, progress, ...lease }: EndedAttempt,
  { attempt, attempts_max: attemptsMax, kill_requested: killRequested }: LeaseFacts,
): Promise<JobState> {
  const next = stateAfter('running', outcome.event, { attempt, attemptsMax, killRequested })
  const to = must(next, 'every outcome of an attempt has a state that follows')
  const retriesLater = to === 'retry_wait' && outcome.event !== 'lose'
  await settleJob(tx, lease, {
    to,
    output: null,
    error: storedJson(to === 'killed' ? killedError(lease.jobId) : outcome.error),
    progress,
    // Whoever waited for a lease to run out has waited enough.
    delayMs: retriesLater ? retryDelayMs(attempt, randomness, outcome.error?.retryAfterSeconds) : 0,
    attemptCounts: outcome.event !== 'hand_back',
    actor: owner,
    reason: outcome.reason,
  })
  return to
}

/** Few enough that their rows are not locked for long. */
const expiredMax = 100

/** Ends some of the attempts whose workers are gone. Returns the ids of their jobs. */
export async function settleExpired(parts: SettleParts): Promise<number[]> {
  return await parts.postgres.transaction(async (tx) => {
    const expired = await lockExpired(tx, expiredMax)
    for (const row of expired) {
      const outcome = lost(row.id, row.lease_owner)
      await settleFailure(tx, parts, { jobId: row.id, leaseToken: row.lease_token, outcome, progress: null }, row)
    }
    return expired.map((row) => row.id)
  })
}

function lost(jobId: number, worker: string): Outcome {
  const error = {
    code: 'worker_lost',
    message: `The worker that ran job ${jobId} gave no sign of life until its lease ran out.`,
    hint: 'Submit it again if it is not tried again by itself. The log of the worker may tell why it ended.',
  } as const
  return { event: 'lose', output: null, error, reason: `lost with ${worker}` }
}
