import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { LimitKey } from './limit-key.ts'
import type { Limit } from './limits.ts'

const limitColumns = sql`
  key, slots, used, case when paused_until > now() then paused_until end as "pausedUntil"`

/** By key; those of one account, or all. */
export function selectLimits(db: Queryable, accountId: number | null): Promise<Limit[]> {
  return db.query(sql`
    select ${limitColumns} from job_limits
     where ${accountId}::bigint is null or account_id = ${accountId}
     order by key`)
}

export async function upsertLimit(
  db: Queryable,
  { key, accountId }: LimitKey,
  slots: number,
): Promise<Limit | undefined> {
  const rows = await db.query<Limit>(sql`
    insert into job_limits (key, account_id, slots) values (${key}, ${accountId}, ${slots})
    on conflict (key) do update set slots = excluded.slots, changed_at = now()
    returning ${limitColumns}`)
  return rows[0]
}

export async function deleteLimit(db: Queryable, key: string): Promise<Limit | undefined> {
  const rows = await db.query<Limit>(sql`delete from job_limits where key = ${key} returning ${limitColumns}`)
  return rows[0]
}

export async function pauseLimit(db: Queryable, key: string, until: Date | null): Promise<Limit | undefined> {
  const rows = await db.query<Limit>(sql`
    update job_limits set paused_until = ${until}::timestamptz, changed_at = now() where key = ${key}
    returning ${limitColumns}`)
  return rows[0]
}
