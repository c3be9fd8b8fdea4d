import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

interface NamedTable {
  readonly id: number
  readonly database_id: number
  readonly name: string
}

export async function selectIdsOfNames(
  tx: Queryable,
  accountId: number,
  places: readonly { readonly databaseId: number; readonly name: string }[],
): Promise<NamedTable[]> {
  return await tx.query(sql`
    select id, database_id, name from tables
     where account_id = ${accountId} and dropped_at is null
       and (database_id, name) in (select * from unnest(${places.map((place) => place.databaseId)}::bigint[],
                                                        ${places.map((place) => place.name)}::text[]))`)
}

/** Waits for the commits that run, in one order for everybody, and reads the names that the tables have then. */
export async function lockTablesOfIds(tx: Queryable, ids: readonly number[]): Promise<NamedTable[]> {
  return await tx.query(sql`
    select id, database_id, name from tables
     where id = any(${ids}::bigint[]) and dropped_at is null
     order by id
       for update`)
}
