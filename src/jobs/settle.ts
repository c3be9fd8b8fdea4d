import { must } from '../base/errors.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Announcer } from './announcer.ts'
import { finishedChannel, finishedItems, readyChannel, readyItem } from './channels.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { JobState } from './jobs.ts'
import { finishedStates } from './jobs.ts'
import { killedError } from './kill.ts'
import type { Outcome } from './outcome.ts'
import { retryDelayMs } from './retry-delay.ts'
import type { Lease, LeaseFacts } from './settle.sql.ts'
import { lockExpired, lockLease, settleLease } from './settle.sql.ts'
import { addUsedSlots, lockLimitIds } from './slots.sql.ts'
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
  readonly announcer: Announcer
  /** Who settles, for the history. */
  readonly owner: string
}

interface Settled {
  readonly facts: LeaseFacts
  readonly state: JobState
  readonly dueMs: number | null
}

/** Writes how the attempt ended. Returns the state that follows; undefined where the lease was lost, without effect. */
export async function settleAttempt(parts: SettleParts, ended: EndedAttempt): Promise<JobState | undefined> {
  const settled = await parts.postgres.transaction(async (tx) => {
    const facts = await lockLease(tx, ended)
    if (facts === undefined) return undefined
    const end = await settle(tx, parts, ended, facts)
    await giveBackSlots(tx, [facts])
    return end
  })
  if (settled === undefined) return undefined
  announce(parts.announcer, [settled])
  return settled.state
}

async function settle(
  tx: Queryable,
  { randomness, owner }: SettleParts,
  { outcome, progress, ...lease }: EndedAttempt,
  facts: LeaseFacts,
): Promise<Settled> {
  const attemptsMax = Math.min(facts.attempts_max, outcome.attemptsMax ?? Infinity)
  const { attempt, kill_requested: killRequested } = facts
  const next = stateAfter('running', outcome.event, { attempt, attemptsMax, killRequested })
  const state = must(next, 'every outcome of an attempt has a state that follows')
  const retriesLater = state === 'retry_wait' && outcome.event !== 'lose'
  const error = state === 'killed' ? killedError(lease.jobId) : outcome.error
  const dueMs = await settleLease(tx, lease, {
    to: state,
    output: outcome.output,
    error: storedJson(error ?? undefined),
    fingerprint: error === null ? null : fingerprintOf(error),
    progress,
    // Whoever waited for a lease to run out has waited enough.
    delayMs: retriesLater ? retryDelayMs(attempt, randomness, outcome.error?.retryAfterSeconds) : 0,
    attemptCounts: outcome.event !== 'hand_back',
    actor: owner,
    reason: outcome.reason,
  })
  return { facts, state, dueMs }
}

/** In one go for all: limits are locked in the order of their ids, and never after any that is locked already. */
async function giveBackSlots(tx: Queryable, leases: readonly LeaseFacts[]): Promise<void> {
  const slots = new Map<number, number>()
  for (const { limit_ids: ids, weights } of leases) {
    ids?.forEach((id, index) => slots.set(id, (slots.get(id) ?? 0) - (weights?.[index] ?? 1)))
  }
  if (slots.size === 0) return
  await lockLimitIds(tx, [...slots.keys()])
  await addUsedSlots(tx, slots)
}

function announce(announcer: Announcer, settled: readonly Settled[]): void {
  const ready = new Set<string>()
  const finished: number[] = []
  for (const { facts, state, dueMs } of settled) {
    if (finishedStates.has(state)) finished.push(facts.id)
    if (state === 'queued') ready.add(readyItem.lane(facts.lane_id))
    else if (dueMs !== null) ready.add(readyItem.due(Math.ceil(dueMs)))
    for (const id of facts.limit_ids ?? []) ready.add(readyItem.limit(id))
  }
  announcer.announce(readyChannel, ready)
  announcer.announce(finishedChannel, finishedItems(finished))
}

/** Few enough that their rows are not locked for long. */
const expiredMax = 100

/** Ends some of the attempts whose workers are gone. Returns the ids of their jobs. */
export async function settleExpired(parts: SettleParts): Promise<number[]> {
  const settled = await parts.postgres.transaction(async (tx) => {
    const expired = await lockExpired(tx, expiredMax)
    const ends: Settled[] = []
    for (const facts of expired) {
      const { id: jobId, lease_token: leaseToken, lease_owner: worker } = facts
      ends.push(await settle(tx, parts, { jobId, leaseToken, outcome: lost(jobId, worker), progress: null }, facts))
    }
    await giveBackSlots(tx, expired)
    return ends
  })
  announce(parts.announcer, settled)
  return settled.map(({ facts }) => facts.id)
}

function lost(jobId: number, worker: string): Outcome {
  const error = {
    code: 'worker_lost',
    message: `The worker that ran job ${jobId} gave no sign of life until its lease ran out.`,
    hint: 'Submit it again if it is not tried again by itself. The log of the worker may tell why it ended.',
  } as const
  return { event: 'lose', output: null, error, reason: `lost with ${worker}` }
}
