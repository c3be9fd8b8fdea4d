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
import { lockExpired, lockLease, lockLeasesOf, settleLease } from './settle.sql.ts'
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
  // Whoever waited for a lease to run out has waited enough.
  const delayMs = retriesLater ? retryDelayMs(attempt, randomness, outcome.error) : 0
  const dueMs = await settleLease(tx, lease, {
    to: state,
    output: outcome.output,
    error: storedJson(error ?? undefined),
    fingerprint: error === null ? null : fingerprintOf(error),
    progress,
    delayMs,
    attemptCounts: outcome.event !== 'hand_back',
    actor: owner,
    reason: outcome.reason,
  })
  // What is due at once is so by every clock: that of the database may be ahead of those of the workers.
  return { facts, state, dueMs: dueMs !== null && delayMs === 0 ? 0 : dueMs }
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
const lostMax = 100

/** Ends some of the attempts whose workers gave no sign of life for too long. Returns the ids of their jobs. */
export function settleExpired(parts: SettleParts): Promise<number[]> {
  return settleLost(parts, 'gave no sign of life until its lease ran out', (tx) => lockExpired(tx, lostMax))
}

/**
 * Ends the attempts of workers whose processes are known to be gone, without waiting for their leases to run out. Returns the ids of their
 * jobs. Should a commit of one still be under way in the database, it holds the lease’s row, and its job is left to the lease.
 */
export async function settleGone(parts: SettleParts, owners: readonly string[]): Promise<number[]> {
  const jobs: number[] = []
  for (;;) {
    const some = await settleLost(parts, 'has ended', (tx) => lockLeasesOf(tx, owners, lostMax))
    jobs.push(...some)
    if (some.length < lostMax) return jobs
  }
}

async function settleLost(
  parts: SettleParts,
  what: string,
  lock: (tx: Queryable) => Promise<LeaseFacts[]>,
): Promise<number[]> {
  const settled = await parts.postgres.transaction(async (tx) => {
    const lost = await lock(tx)
    const ends: Settled[] = []
    for (const facts of lost) {
      const { id: jobId, lease_token: leaseToken, lease_owner: worker } = facts
      const outcome = lostWith(jobId, worker, what)
      ends.push(await settle(tx, parts, { jobId, leaseToken, outcome, progress: null }, facts))
    }
    await giveBackSlots(tx, lost)
    return ends
  })
  announce(parts.announcer, settled)
  return settled.map(({ facts }) => facts.id)
}

function lostWith(jobId: number, worker: string, what: string): Outcome {
  const error = {
    code: 'worker_lost',
    message: `The worker that ran job ${jobId} ${what}.`,
    hint: 'Submit it again if it is not tried again by itself. The log of the worker may tell why it ended.',
  } as const
  return { event: 'lose', output: null, error, reason: `lost with ${worker}` }
}
