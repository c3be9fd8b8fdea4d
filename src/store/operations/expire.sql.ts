import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

export interface ExpiredChunks {
  readonly account_id: number
  readonly table_id: number
  readonly schema_version: number
  readonly ids: readonly string[]
}

/** At most `chunksMax` chunks of each of at most `tablesMax` tables, of which every row is older than its table keeps them. */
export async function selectExpired(
  db: Queryable,
  now: Date,
  { tablesMax, chunksMax }: { readonly tablesMax: number; readonly chunksMax: number },
): Promise<ExpiredChunks[]> {
  return await db.query(sql`
    select t.account_id, t.id as table_id, t.schema_version, old.ids
      from tables t
     cross join lateral (
       select array_agg(id::text) as ids
         from (select c.id from chunks c
                where c.table_id = t.id
                  and c.time_range << int8range(floor(extract(epoch from ${now}::timestamptz))::bigint - t.expire_days * 86400::bigint, null)
                limit ${chunksMax}) c) old
     where t.expire_days is not null and t.dropped_at is null and old.ids is not null
     limit ${tablesMax}`)
}
