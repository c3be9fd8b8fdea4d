import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { RejectionCount, RejectionQuestion } from '../rejections.ts'

/** Rejections of one sort in one minute. */
export interface CountedRejections {
  readonly minute: Date
  /** Whose they are, or who the key claims to be of: there may be no such account. */
  readonly accountId: number | null
  readonly keyId: number | null
  readonly keyHint: string | null
  readonly door: string
  readonly code: string
  readonly database: string | null
  readonly table: string | null
  readonly isRest: boolean
  readonly requests: number
  readonly detail: string
  readonly lastAt: Date
}

/** Adds to what this and other processes counted before. */
export async function addRejections(db: Queryable, counted: readonly CountedRejections[]): Promise<void> {
  const each = <Field extends keyof CountedRejections>(field: Field) => counted.map((one) => one[field])
  await db.query(sql`
    insert into rejections as r (minute, account_id, key_id, key_hint, door, code, database_name, table_name, is_rest,
                                 requests, detail, last_at)
    select c.minute, a.id, c.key_id, c.key_hint, c.door, c.code, c.database_name, c.table_name, c.is_rest,
           sum(c.requests), (array_agg(c.detail order by c.last_at desc))[1], max(c.last_at)
      from unnest(${each('minute')}::timestamptz[], ${each('accountId')}::bigint[], ${each('keyId')}::bigint[],
                  ${each('keyHint')}::text[], ${each('door')}::text[], ${each('code')}::text[],
                  ${each('database')}::text[], ${each('table')}::text[], ${each('isRest')}::boolean[],
                  ${each('requests')}::bigint[], ${each('detail')}::text[], ${each('lastAt')}::timestamptz[])
           as c (minute, account_id, key_id, key_hint, door, code, database_name, table_name, is_rest, requests,
                 detail, last_at)
      left join accounts a on a.id = c.account_id
     group by c.minute, a.id, c.key_id, c.key_hint, c.door, c.code, c.database_name, c.table_name, c.is_rest
     order by c.minute, a.id, c.key_id, c.key_hint, c.door, c.code, c.database_name, c.table_name, c.is_rest
    on conflict (minute, account_id, key_id, key_hint, door, code, database_name, table_name, is_rest) do update
       set requests = r.requests + excluded.requests,
           detail = case when excluded.last_at >= r.last_at then excluded.detail else r.detail end,
           last_at = greatest(r.last_at, excluded.last_at)`)
}

/** The rows of each sort as one, the newest first. `nobodys` brings those besides that belong to no account. */
export function selectRejections(
  db: Queryable,
  { accountId, nobodys }: { readonly accountId: number; readonly nobodys: boolean },
  { since, keyId, keyHint, door, limit }: RejectionQuestion,
): Promise<RejectionCount[]> {
  return db.query(sql`
    select key_id as "keyId", key_hint as "keyHint", door, code, database_name as database, table_name as table,
           is_rest as "isRest", sum(requests)::bigint as count,
           (array_agg(detail order by last_at desc))[1] as detail, max(last_at) as "lastAt"
      from rejections
     where (account_id = ${accountId} or (${nobodys} and account_id is null))
       and minute >= date_trunc('minute', ${since}::timestamptz) and last_at >= ${since}
       and (${keyId ?? null}::bigint is null or key_id = ${keyId ?? null})
       and (${keyHint ?? null}::text is null or key_hint = ${keyHint ?? null})
       and (${door ?? null}::text is null or door = ${door ?? null})
     group by key_id, key_hint, door, code, database_name, table_name, is_rest
     order by max(last_at) desc
     limit ${limit}`)
}

/** Returns how many rows it deleted, at most `limit`. */
export async function deleteRejections(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    delete from rejections where ctid = any(array(
      select ctid from rejections where minute < ${before} limit ${limit} for update skip locked))
    returning 1`)
  return rows.length
}
