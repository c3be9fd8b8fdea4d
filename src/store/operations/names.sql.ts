import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { TableName } from '../store.ts'

/** The ids of the tables that have these names, which nobody else changes until the transaction ends; locked by id. */
export async function lockTablesByName(
  tx: Queryable,
  accountId: number,
  tables: readonly { readonly databaseId: number; readonly name: string }[],
): Promise<{ id: number; database_id: number; name: string }[]> {
  return await tx.query(sql`
    select id, database_id, name from tables
     where account_id = ${accountId} and dropped_at is null
       and (database_id, name) in (select * from unnest(${tables.map((table) => table.databaseId)}::bigint[],
                                                        ${tables.map((table) => table.name)}::text[]))
     order by id
       for update`)
}

export async function updateTableName(
  tx: Queryable,
  tableId: number,
  to: { readonly databaseId: number; readonly name: string },
): Promise<void> {
  await tx.query(sql`update tables set database_id = ${to.databaseId}, name = ${to.name} where id = ${tableId}`)
}

/** What was set aside stays with the table under its new name. */
export async function renameQuarantine(
  tx: Queryable,
  table: { readonly accountId: number; readonly tableId: number },
  from: TableName,
  to: TableName,
): Promise<void> {
  await tx.query(sql`
    update quarantine set database_name = ${to.database}, table_name = ${to.name}
     where account_id = ${table.accountId} and database_name = ${from.database} and table_name = ${from.name}
       and table_id = ${table.tableId}`)
}
