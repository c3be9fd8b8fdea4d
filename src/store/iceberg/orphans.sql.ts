import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

/** Those of the keys that something refers to, or whose removal is planned already. Lists of manifests are not looked for. */
export async function selectReferredKeys(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    with asked as materialized (select unnest(${objectKeys}::text[]) as object_key)
    select object_key from iceberg_manifests join asked using (object_key)
    union all
    select metadata_key from iceberg_tables where metadata_key in (select object_key from asked)
    union all
    select metadata_key from iceberg_views where metadata_key in (select object_key from asked)
    union all
    select object_key from chunks where object_key like 'iceberg/%' and object_key in (select object_key from asked)
    union all
    select object_key from removed_chunks where object_key like 'iceberg/%' and object_key in (select object_key from asked)
    union all
    select object_key from damaged_chunks join asked using (object_key)
    union all
    select object_key from object_removals join asked using (object_key)`)
  return rows.map((row) => row.object_key)
}

/** Where the lists of manifests lie that the metadata of the tables names. */
export async function selectListLocations(db: Queryable, tableIds: readonly number[]): Promise<string[]> {
  const rows = await db.query<{ location: string }>(sql`
    select listed.entry ->> 'manifest-list' as location
      from iceberg_tables, jsonb_array_elements(metadata -> 'snapshots') as listed (entry)
     where table_id = any(${tableIds}::bigint[])`)
  return rows.map((row) => row.location)
}
