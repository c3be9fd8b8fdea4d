import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Lease } from './settle.sql.ts'

/** Leases that still hold are prolonged and returned; one that is not returned was lost. `progress` is JSON text. */
export function extendLeases(
  db: Queryable,
  leases: readonly (Lease & { readonly progress: string | null })[],
  leaseMs: number,
): Promise<{ leaseToken: number; killRequested: boolean }[]> {
  return db.query(sql`
    update job_running r
       set lease_expires_at = now() + ${leaseMs} * interval '1 millisecond',
           progress = coalesce(held.progress, r.progress),
           progress_at = case when held.progress is distinct from r.progress and held.progress is not null
                              then now() else r.progress_at end
      from unnest(${leases.map((lease) => lease.jobId)}::bigint[],
                  ${leases.map((lease) => lease.leaseToken)}::bigint[],
                  ${leases.map((lease) => lease.progress)}::jsonb[]) as held (job_id, lease_token, progress)
     where r.job_id = held.job_id and r.lease_token = held.lease_token
    returning r.lease_token as "leaseToken", r.kill_requested_at is not null as "killRequested"`)
}
