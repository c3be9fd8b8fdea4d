import type { Postgres } from '../base/postgres/postgres.ts'
import { selectWaitingFacts } from './explain.sql.ts'
import type { LimitFacts, WaitingFacts } from './explain.sql.ts'
import type { Waiting, WaitingReason } from './waiting-reason.ts'
import { aheadMax } from './waiting-reason.ts'

/** Why the account's job waits; null where it does not, or there is none. */
export async function explainWaiting(postgres: Postgres, accountId: number, id: number): Promise<Waiting | null> {
  const facts = await selectWaitingFacts(postgres, { accountId, id }, aheadMax)
  return facts === undefined ? null : explained(facts)
}

/** The answer that follows from the facts. Of a job that is not due, only what would also keep it waiting when it is. */
function explained(facts: WaitingFacts): Waiting {
  const lasting = [...dueReasons(facts), ...workerReasons(facts), ...facts.limits.flatMap(pauseReasons)]
  const reasons = facts.is_due
    ? [...lasting, ...facts.limits.flatMap(roomReasons), ...queueReasons(facts)]
    : [...lasting, ...facts.limits.filter(({ wants, slots }) => wants > slots).flatMap(roomReasons)]
  return { position: facts.ahead + 1, reasons: reasons.length === 0 ? [{ reason: 'next' }] : reasons }
}

function dueReasons({ is_due: isDue, due_at: until, state }: WaitingFacts): WaitingReason[] {
  return isDue || state === 'queued' ? [] : [{ reason: 'not_due', until, state }]
}

function workerReasons({ kind, places }: WaitingFacts): WaitingReason[] {
  return places === 0 ? [{ reason: 'no_worker', kind }] : []
}

function pauseReasons({ key, paused_until: until }: LimitFacts): WaitingReason[] {
  return until === null ? [] : [{ reason: 'limit_paused', key, until: new Date(until) }]
}

function roomReasons({ key, slots, used, wants }: LimitFacts): WaitingReason[] {
  return used + wants <= slots ? [] : [{ reason: 'limit', key, slots, used, wants }]
}

function queueReasons({ ahead, places, taken }: WaitingFacts): WaitingReason[] {
  const reasons: WaitingReason[] = []
  if (ahead > 0) reasons.push({ reason: 'behind', ahead })
  if (places > 0 && taken >= places) reasons.push({ reason: 'workers_busy', places })
  return reasons
}
