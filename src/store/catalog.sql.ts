import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Table } from './store.ts'

export interface DatabaseRow {
  readonly id: number
  readonly account_id: number
  readonly name: string
  readonly table_count: number
  readonly created_at: Date
}

export interface TableRow {
  readonly id: number
  readonly account_id: number
  readonly database_id: number
  readonly database: string
  readonly name: string
  readonly snapshot: number
  readonly schema_version: number
  readonly next_field_id: number
  readonly restated_version: number
  readonly expire_days: number | null
  readonly history_hours: number
  readonly schema_mode: Table['settings']['schemaMode']
  readonly cluster_columns: readonly number[]
  /** The table's own, in order. */
  readonly columns: readonly { readonly field_id: number; readonly name: string; readonly type: string }[]
  readonly rows: number
  readonly bytes: number
  readonly chunks: number
  readonly created_at: Date
  readonly updated_at: Date
}

const databases = sql`
  select d.id, d.account_id, d.name, d.created_at,
         (select count(*) from tables t where t.database_id = d.id and t.dropped_at is null) as table_count
    from databases d`

/** One statement sees one moment: a table's row and its columns always fit together. */
const tables = sql`
  select t.id, t.account_id, t.database_id, d.name as database, t.name, t.snapshot, t.schema_version, t.next_field_id,
         t.restated_version, t.expire_days, t.history_hours, t.schema_mode, t.cluster_columns, t.rows, t.bytes, t.chunks, t.created_at,
         t.updated_at,
         coalesce((select json_agg(json_build_object('field_id', c.field_id, 'name', c.name, 'type', c.type)
                                   order by c.position)
                     from columns c
                    where c.table_id = t.id and c.removed_version is null), '[]') as columns
    from tables t
    join databases d on d.id = t.database_id and d.account_id = t.account_id`

export function selectDatabases(db: Queryable, accountId: number): Promise<DatabaseRow[]> {
  return db.query(sql`${databases} where d.account_id = ${accountId} and d.dropped_at is null order by d.name`)
}

export async function selectDatabase(db: Queryable, accountId: number, name: string): Promise<DatabaseRow | undefined> {
  const rows = await db.query<DatabaseRow>(
    sql`${databases} where d.account_id = ${accountId} and d.name = ${name} and d.dropped_at is null`,
  )
  return rows[0]
}

/** Undefined where the name is taken. */
export async function insertDatabase(db: Queryable, accountId: number, name: string): Promise<number | undefined> {
  const rows = await db.query<{ id: number }>(sql`
    insert into databases (account_id, name) values (${accountId}, ${name})
    on conflict (account_id, name) where dropped_at is null do nothing
    returning id`)
  return rows[0]?.id
}

/** Keeps the database from being dropped until the transaction ends. Undefined where there is none. */
export async function holdDatabase(
  tx: Queryable,
  accountId: number,
  database: { readonly name: string } | { readonly id: number },
): Promise<{ id: number; name: string } | undefined> {
  const named: Sql = 'id' in database ? sql`id = ${database.id}` : sql`name = ${database.name}`
  const rows = await tx.query<{ id: number; name: string }>(sql`
    select id, name from databases
     where account_id = ${accountId} and ${named} and dropped_at is null
       for share`)
  return rows[0]
}

export function selectTables(db: Queryable, accountId: number, databaseId: number): Promise<TableRow[]> {
  return db.query(sql`
    ${tables}
     where t.account_id = ${accountId} and t.database_id = ${databaseId} and t.dropped_at is null
     order by t.name`)
}

/** Undefined where it was dropped. */
export async function selectTable(db: Queryable, accountId: number, tableId: number): Promise<TableRow | undefined> {
  const rows = await db.query<TableRow>(
    sql`${tables} where t.account_id = ${accountId} and t.id = ${tableId} and t.dropped_at is null`,
  )
  return rows[0]
}

/** Those of the named tables that exist, all at one moment. */
export function selectTablesByName(
  db: Queryable,
  accountId: number,
  names: readonly { readonly database: string; readonly name: string }[],
): Promise<TableRow[]> {
  return db.query(
    sql`
    ${tables}
     where t.account_id = ${accountId} and t.dropped_at is null and d.dropped_at is null
       and (d.name, t.name) in (select * from unnest(${names.map((table) => table.database)}::text[],
                                                     ${names.map((table) => table.name)}::text[]))`.prepared(
      'store_tables_by_name',
    ),
  )
}

/** Undefined where the name is taken. */
export async function insertTable(
  tx: Queryable,
  table: { accountId: number; databaseId: number; name: string; nextFieldId: number },
): Promise<number | undefined> {
  const rows = await tx.query<{ id: number }>(sql`
    insert into tables (account_id, database_id, name, next_field_id)
    values (${table.accountId}, ${table.databaseId}, ${table.name}, ${table.nextFieldId})
    on conflict (database_id, name) where dropped_at is null do nothing
    returning id`)
  return rows[0]?.id
}

/** Adds columns behind those that there are: field ids only grow, and so do the positions. `version` is that of the columns with them. */
export async function insertColumns(
  tx: Queryable,
  table: { accountId: number; tableId: number; version: number },
  columns: readonly { readonly fieldId: number; readonly name: string; readonly type: string }[],
): Promise<void> {
  await tx.query(sql`
    insert into columns (account_id, table_id, field_id, name, type, position, added_version)
    select ${table.accountId}, ${table.tableId}, field_id, name, type, field_id, ${table.version}
      from unnest(${columns.map((column) => column.fieldId)}::integer[],
                  ${columns.map((column) => column.name)}::text[],
                  ${columns.map((column) => column.type)}::text[]) as added (field_id, name, type)`)
}
