import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { ViewMetadata } from './view-metadata.ts'

export interface ViewRow {
  readonly uuid: string
  readonly version: number
  readonly metadata_key: string
  readonly metadata: ViewMetadata
}

export async function selectViewNames(db: Queryable, accountId: number, databaseId: number): Promise<string[]> {
  const rows = await db.query<{ name: string }>(sql`
    select name from iceberg_views where account_id = ${accountId} and database_id = ${databaseId} order by name`)
  return rows.map((row) => row.name)
}

export async function selectView(
  db: Queryable,
  accountId: number,
  databaseId: number,
  name: string,
): Promise<ViewRow | undefined> {
  const rows = await db.query<ViewRow>(sql`
    select uuid, version, metadata_key, metadata
      from iceberg_views
     where account_id = ${accountId} and database_id = ${databaseId} and name = ${name}`)
  return rows[0]
}

/** False where the name is taken, by a view or by a table. */
export async function insertView(
  db: Queryable,
  place: { readonly accountId: number; readonly databaseId: number; readonly name: string },
  view: ViewRow,
): Promise<boolean> {
  const rows = await db.query(sql`
    insert into iceberg_views (uuid, account_id, database_id, name, version, metadata_key, metadata)
    select ${view.uuid}, ${place.accountId}, ${place.databaseId}, ${place.name}, ${view.version}, ${view.metadata_key},
           ${JSON.stringify(view.metadata)}::jsonb
     where not exists (select from tables
                        where database_id = ${place.databaseId} and name = ${place.name} and dropped_at is null)
    on conflict (database_id, name) do nothing
    returning 1`)
  return rows.length === 1
}

/** False where somebody else was faster. */
export async function updateView(db: Queryable, view: ViewRow): Promise<boolean> {
  const rows = await db.query(sql`
    update iceberg_views
       set version = ${view.version}, metadata_key = ${view.metadata_key}, metadata = ${JSON.stringify(view.metadata)}::jsonb
     where uuid = ${view.uuid} and version = ${view.version}::bigint - 1
    returning 1`)
  return rows.length === 1
}

/** The key of its metadata, which nobody needs any more; undefined where there was no such view. */
export async function deleteView(
  db: Queryable,
  accountId: number,
  databaseId: number,
  name: string,
): Promise<string | undefined> {
  const rows = await db.query<{ metadata_key: string }>(sql`
    delete from iceberg_views
     where account_id = ${accountId} and database_id = ${databaseId} and name = ${name}
    returning metadata_key`)
  return rows[0]?.metadata_key
}

/** Undefined where there is no such view; false where the new name is taken. */
export async function renameView(
  tx: Queryable,
  accountId: number,
  from: { readonly databaseId: number; readonly name: string },
  to: { readonly databaseId: number; readonly name: string },
): Promise<boolean | undefined> {
  const [row] = await tx.query<{ is_taken: boolean }>(sql`
    select exists (select from tables where database_id = ${to.databaseId} and name = ${to.name} and dropped_at is null)
           or exists (select from iceberg_views where database_id = ${to.databaseId} and name = ${to.name}) as is_taken
      from iceberg_views
     where account_id = ${accountId} and database_id = ${from.databaseId} and name = ${from.name}
       for update`)
  if (row === undefined) return undefined
  if (row.is_taken) return false
  await tx.query(sql`
    update iceberg_views set database_id = ${to.databaseId}, name = ${to.name}
     where account_id = ${accountId} and database_id = ${from.databaseId} and name = ${from.name}`)
  return true
}
