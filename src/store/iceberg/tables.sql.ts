import { must } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { TableMetadata } from './metadata.ts'

/** A table and what other engines see of it, all of one moment. */
export interface IcebergTableRow {
  readonly id: number
  readonly account_id: number
  readonly snapshot: number
  readonly schema_version: number
  readonly next_field_id: number
  readonly restating: boolean
  readonly history_hours: number
  readonly updated_at: Date
  /** The table's own, in order. */
  readonly columns: readonly { readonly field_id: number; readonly name: string; readonly type: string }[]
  /** Null where no engine has asked for it yet. */
  readonly iceberg: {
    readonly uuid: string
    readonly properties: Readonly<Record<string, string>>
    readonly version: number
    readonly snapshot: number
    readonly metadata_key: string | null
    readonly metadata: TableMetadata | null
    readonly is_valid: boolean
  } | null
}

export async function selectIcebergTable(
  db: Queryable,
  accountId: number,
  table: { readonly database: string; readonly name: string },
  now: Date,
): Promise<IcebergTableRow | undefined> {
  const rows = await db.query<IcebergTableRow>(sql`
    select t.id, t.account_id, t.snapshot, t.schema_version, t.next_field_id, t.restating, t.history_hours,
           t.updated_at,
           coalesce((select json_agg(json_build_object('field_id', c.field_id, 'name', c.name, 'type', c.type)
                                     order by c.position)
                       from columns c
                      where c.table_id = t.id and c.removed_version is null), '[]') as columns,
           case when i.table_id is not null then
             json_build_object('uuid', i.uuid, 'properties', i.properties, 'version', i.version, 'snapshot', i.snapshot,
                               'metadata_key', i.metadata_key, 'metadata', i.metadata,
                               'is_valid', i.valid_until > ${now})
           end as iceberg
      from tables t
      join databases d on d.id = t.database_id
      left join iceberg_tables i on i.table_id = t.id
     where t.account_id = ${accountId} and d.account_id = ${accountId} and d.name = ${table.database}
       and t.name = ${table.name} and t.dropped_at is null and d.dropped_at is null`)
  return rows[0]
}

/** Does nothing where somebody else was first. */
export async function insertIcebergTable(
  db: Queryable,
  table: { accountId: number; tableId: number },
  uuid: string,
): Promise<void> {
  await db.query(sql`
    insert into iceberg_tables (table_id, account_id, uuid) values (${table.tableId}, ${table.accountId}, ${uuid})
    on conflict (table_id) do nothing`)
}

/** Which metadata is served. It is another one whenever the manifests are others. */
export async function selectVersion(db: Queryable, tableId: number): Promise<number | undefined> {
  const rows = await db.query<{ version: number }>(sql`select version from iceberg_tables where table_id = ${tableId}`)
  return rows[0]?.version
}

/** Puts metadata in the place of those of version `version`; false where somebody else has done so. */
export async function advanceIcebergTable(
  tx: Queryable,
  tableId: number,
  version: number,
  next: { snapshot: number; metadataKey: string; metadata: TableMetadata; validUntil: Date | 'infinity' },
): Promise<boolean> {
  const rows = await tx.query(sql`
    update iceberg_tables
       set version = version + 1, snapshot = ${next.snapshot}, metadata_key = ${next.metadataKey},
           metadata = ${JSON.stringify(next.metadata)}::jsonb, valid_until = ${next.validUntil}
     where table_id = ${tableId} and version = ${version}
    returning 1`)
  return rows.length === 1
}

/** What the snapshots after `from`, up to `to`, did, and what the table came to. */
export interface Progress {
  readonly operations: readonly string[]
  /** When the first of them was committed, and the last; null where they are no longer known. */
  readonly begun_at: Date | null
  readonly committed_at: Date | null
  readonly rows: number
  readonly bytes: number
}

export async function selectProgress(db: Queryable, tableId: number, from: number, to: number): Promise<Progress> {
  const [row] = await db.query<Progress>(sql`
    select array(select distinct operation from snapshots
                  where table_id = ${tableId} and snapshot > ${from} and snapshot <= ${to}) as operations,
           (select committed_at from snapshots where table_id = ${tableId} and snapshot = ${from}::bigint + 1) as begun_at,
           s.committed_at, coalesce(s.rows, t.rows) as rows, coalesce(s.bytes, t.bytes) as bytes
      from tables t
      left join snapshots s on s.table_id = t.id and s.snapshot = ${to}
     where t.id = ${tableId}`)
  return must(row, 'a table that was just read is there until its grace is over')
}

/** When each of the snapshots was followed by another one; those that are the newest are not among them. */
export async function selectSuperseded(
  db: Queryable,
  tableId: number,
  snapshots: readonly number[],
): Promise<{ snapshot: number; at: Date }[]> {
  return await db.query(sql`
    select snapshot - 1 as snapshot, committed_at as at
      from snapshots
     where table_id = ${tableId} and snapshot - 1 = any(${snapshots}::bigint[])`)
}

/** Changes the properties that engines set, and with them what is served. */
export async function updateProperties(
  db: Queryable,
  tableId: number,
  set: Readonly<Record<string, string>>,
  removed: readonly string[],
): Promise<void> {
  await db.query(sql`
    update iceberg_tables
       set properties = (properties || ${JSON.stringify(set)}::jsonb) - ${removed}::text[], version = version + 1,
           valid_until = '-infinity'
     where table_id = ${tableId}`)
}

export async function planRemoval(tx: Queryable, objectKeys: readonly string[], removeAfter: Date): Promise<void> {
  await tx.query(sql`
    insert into object_removals (object_key, remove_after)
    select object_key, ${removeAfter} from unnest(${objectKeys}::text[]) as gone (object_key)
    on conflict (object_key) do nothing`)
}
