import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Sql } from '../base/postgres/postgres.ts'
import type { LaneIdentity } from './lane-identity.ts'

/** The lanes as rows `l (kind, account_id, limit_keys, weights, place)`; arrays of arrays travel as text. */
function rowsOf(lanes: readonly LaneIdentity[]): Sql {
  return sql`
    (select kind, account_id, limit_keys::text[] as limit_keys, weights::integer[] as weights, place
       from unnest(${lanes.map(({ kind }) => kind)}::text[],
                   ${lanes.map(({ accountId }) => accountId)}::bigint[],
                   ${lanes.map(({ limitKeys }) => arrayText(limitKeys))}::text[],
                   ${lanes.map(({ weights }) => arrayText(weights))}::text[])
            with ordinality as l (kind, account_id, limit_keys, weights, place)) as l`
}

/** An array as PostgreSQL reads it from text. */
export function arrayText(values: readonly (string | number)[]): string {
  return `{${values.map((value) => `"${String(value).replaceAll(/(["\\])/g, '\\$1')}"`).join(',')}}`
}

export async function insertLanes(db: Queryable, lanes: readonly LaneIdentity[]): Promise<void> {
  await db.query(sql`
    insert into job_lanes (kind, account_id, limit_keys, weights)
    select kind, account_id, limit_keys, weights from ${rowsOf(lanes)}
     order by kind, account_id, limit_keys, weights
    on conflict do nothing`)
}

/** The ids of lanes that exist, in the order of the argument. */
export async function selectLaneIds(db: Queryable, lanes: readonly LaneIdentity[]): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select j.id
      from ${rowsOf(lanes)}
      join job_lanes j on j.kind = l.kind and coalesce(j.account_id, 0) = coalesce(l.account_id, 0)
                      and j.limit_keys = l.limit_keys and j.weights = l.weights
     order by l.place`)
  return rows.map(({ id }) => id)
}
