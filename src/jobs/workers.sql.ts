import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Worker } from './workers.ts'

/** What a worker says of itself. */
export type WorkerNote = Pick<Worker, 'name' | 'host' | 'pid' | 'version' | 'kinds' | 'state'>

/** Writes a sign of life. */
export async function noteWorker(db: Queryable, worker: WorkerNote): Promise<void> {
  const { name, host, pid, version, kinds, state } = worker
  await db.query(sql`
    insert into job_workers (name, host, pid, version, kinds, state)
    values (${name}, ${host}, ${pid}, ${version}, ${JSON.stringify(kinds)}, ${state})
    on conflict (name) do update set kinds = excluded.kinds, state = excluded.state, seen_at = now()`)
}

/** Forgets a worker that has ended. */
export async function deleteWorker(db: Queryable, name: string): Promise<void> {
  await db.query(sql`delete from job_workers where name = ${name}`)
}

/** Forgets workers that died without a word. */
export async function deleteSilentWorkers(db: Queryable): Promise<void> {
  await db.query(sql`delete from job_workers where seen_at < now() - interval '1 day'`)
}

/** Those that gave a sign of life within the last minute, with the jobs whose leases they hold. */
export async function selectWorkers(db: Queryable): Promise<Worker[]> {
  return await db.query<Worker>(sql`
    select w.name, w.host, w.pid, w.version, w.kinds, w.state, w.started_at as "startedAt", w.seen_at as "seenAt",
      coalesce(
        jsonb_agg(r.job_id order by r.job_id) filter (where r.job_id is not null),
        '[]'
      ) as "jobIds"
    from job_workers w
    left join job_running r on r.lease_owner = w.name
    where w.seen_at > now() - interval '1 minute'
    group by w.name
    order by w.started_at, w.name`)
}
