import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

export interface GateRow {
  readonly id: number
  /** All inputs have arrived, and no job was submitted for that. */
  readonly opens: boolean
}

/**
 * Notes that the input arrived, and makes the gate if this is the first to arrive. The upsert waits for others that hold
 * the row, and then sees what they wrote; the row stays locked until the transaction ends.
 */
export async function insertArrival(
  tx: Queryable,
  gate: { readonly accountId: number; readonly key: string; readonly wanted: readonly string[] },
  input: string,
): Promise<GateRow | undefined> {
  const statement = sql`
    insert into job_gates as gate (account_id, key, wanted, seen)
    values (${gate.accountId}, ${gate.key}, ${gate.wanted}::text[], jsonb_build_object(${input}::text, now()))
    on conflict (account_id, key) do update set seen = excluded.seen || gate.seen
    returning id, job_id is null and seen ?& wanted as opens`
  const rows = await tx.query<GateRow>(statement.prepared('jobs_gate_arrival'))
  return rows[0]
}

/** Closes the gate behind its job. Says whether it was open: a gate lets one job pass. */
export async function closeGate(tx: Queryable, gateId: number, jobId: number): Promise<boolean> {
  const rows = await tx.query(sql`
    update job_gates set job_id = ${jobId} where id = ${gateId} and job_id is null returning id`)
  return rows.length === 1
}

/** What the gate still waits for; undefined where nothing has arrived yet. */
export async function selectMissing(db: Queryable, accountId: number, key: string): Promise<string[] | undefined> {
  const rows = await db.query<{ missing: string[] }>(sql`
    select array (select input from unnest(wanted) as input where not seen ? input order by input) as missing
      from job_gates
     where account_id = ${accountId} and key = ${key}`)
  return rows[0]?.missing
}
