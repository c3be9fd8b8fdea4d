import { assert, must } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { closeGate, insertArrival, selectMissing } from './gates.sql.ts'
import type { Job, NewJob } from './jobs.ts'
import { Lanes } from './lanes.ts'
import { submitJobs } from './submit.ts'

/** A job that is to run once, when all of its inputs have arrived. */
export interface Gate {
  readonly accountId: number
  /** Names the gate within the account, for ever: what is to run again has a key of its own. */
  readonly key: string
  /** The first arrival decides what the gate waits for; what later ones say of it changes nothing. */
  readonly wanted: readonly string[]
  readonly job: Omit<NewJob, 'accountId' | 'uniqueKey'>
}

export interface Fired {
  readonly job: Job
  /** For `readyChannel`, when the transaction is committed. Workers that are not told find the job themselves, later. */
  readonly ready: ReadonlySet<string>
}

/**
 * Notes in the caller's transaction that the input arrived, and submits the gate's job with the arrival that completes
 * it; undefined for all others. Arrivals may come at once, in any order and repeatedly: those of one gate wait for each
 * other. A transaction with arrivals at several gates takes them in the order of their keys, or two such may deadlock.
 */
export async function arrive(tx: Queryable, gate: Gate, input: string): Promise<Fired | undefined> {
  const { accountId, key, wanted } = gate
  assert(wanted.length > 0, 'a gate waits for something')
  const row = must(await insertArrival(tx, gate, input), 'an upsert answers its row')
  if (!row.opens) return undefined
  // Lanes of its own: those that this transaction makes are not to be remembered if it comes to nothing.
  const job = { ...gate.job, accountId, uniqueKey: `gate ${row.id} ${key}` }
  const { submitted, ready } = await submitJobs(tx, new Lanes(), [job])
  const [first] = submitted
  const fired = must(first, 'a submitted job is answered').job
  assert(await closeGate(tx, row.id, fired.id), 'the row is locked, so nobody else has opened the gate')
  return { job: fired, ready }
}

/** The inputs that the gate still waits for; undefined where none of them has arrived yet. Empty once it fired. */
export function missingInputs(db: Queryable, accountId: number, key: string): Promise<string[] | undefined> {
  return selectMissing(db, accountId, key)
}
