import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

interface AlteredTable {
  readonly accountId: number
  readonly tableId: number
}

/** Ends the column's being there in its present form. */
export async function closeColumn(
  tx: Queryable,
  table: AlteredTable,
  column: { readonly fieldId: number; readonly removedVersion: number },
): Promise<void> {
  await tx.query(sql`
    update columns set removed_version = ${column.removedVersion}
     where table_id = ${table.tableId} and account_id = ${table.accountId} and field_id = ${column.fieldId}
       and removed_version is null`)
}

export interface NewColumnVersion {
  readonly fieldId: number
  readonly name: string
  /** In the notation of types. */
  readonly type: string
  readonly addedVersion: number
  /** The field whose place among the others it takes; its own where it is new. */
  readonly placeOf: number
  readonly replaces: number | null
  readonly restores: boolean
}

export async function insertColumnVersion(tx: Queryable, table: AlteredTable, column: NewColumnVersion): Promise<void> {
  const { fieldId, name, type, addedVersion, placeOf, replaces, restores } = column
  await tx.query(sql`
    insert into columns (account_id, table_id, field_id, name, type, position, added_version, replaces, restores)
    select ${table.accountId}, ${table.tableId}, ${fieldId}, ${name}, ${type},
           coalesce((select min(position) from columns where table_id = ${table.tableId} and field_id = ${placeOf}), ${fieldId}),
           ${addedVersion}, ${replaces}::integer, ${restores}`)
}

/** Rows are to be read anew from the table's version on. Where there are chunks, a job has to look at them. */
export async function markRestating(tx: Queryable, table: AlteredTable): Promise<void> {
  await tx.query(sql`
    update tables set restated_version = schema_version, restating = chunks > 0
     where id = ${table.tableId} and account_id = ${table.accountId}`)
}

/** Rows are clustered by the column that took the place of another, and not by one that is gone. */
export async function changeClusterColumn(
  tx: Queryable,
  table: AlteredTable,
  change: { readonly from: number; readonly to: number | null },
): Promise<void> {
  await tx.query(sql`
    update tables
       set cluster_columns = case when ${change.to}::integer is null
                                  then array_remove(cluster_columns, ${change.from}::integer)
                                  else array_replace(cluster_columns, ${change.from}::integer, ${change.to}::integer) end
     where id = ${table.tableId} and account_id = ${table.accountId}`)
}

export interface ColumnVersionRow {
  readonly field_id: number
  readonly name: string
  readonly type: string
  readonly added_version: number
  readonly removed_version: number | null
  readonly replaces: number | null
  readonly restores: boolean
}

/** The columns that were changed, or came about by a change: what imports added and nobody touched is not among them. */
export function selectColumnVersions(db: Queryable, table: AlteredTable): Promise<ColumnVersionRow[]> {
  return db.query(sql`
    select field_id, name, type, added_version, removed_version, replaces, restores
      from columns c
     where table_id = ${table.tableId} and account_id = ${table.accountId}
       and (restores or replaces is not null or removed_version is not null
            or exists (select from columns before
                        where before.table_id = c.table_id and before.field_id = c.field_id
                          and before.removed_version = c.added_version))
     order by added_version, field_id`)
}
