import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { TableName } from '../store.ts'

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
