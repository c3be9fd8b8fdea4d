import type { Queryable } from './postgres.ts'
import { Sql, sql } from './postgres.ts'

export interface AppliedMigration {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

export async function serverVersion(tx: Queryable): Promise<{ number: number; text: string }> {
  const [row] = await tx.query<{ number: number; text: string }>(
    sql`select current_setting('server_version_num')::int as number, current_setting('server_version') as text`,
  )
  return row ?? { number: 0, text: 'unknown' }
}

/** The key is arbitrary but for ever: every version of Biwa must take the same lock. */
export async function lockMigrations(tx: Queryable): Promise<void> {
  await tx.query(sql`set local statement_timeout = 0`)
  await tx.query(sql`select pg_advisory_xact_lock(7245302181)`)
}

export async function createMigrationsTable(tx: Queryable): Promise<void> {
  await tx.query(sql`
    create table if not exists schema_migrations (
      version     integer primary key,
      name        text not null,
      checksum    text not null,
      applied_at  timestamptz not null default now()
    )`)
}

export function appliedMigrations(tx: Queryable): Promise<AppliedMigration[]> {
  return tx.query(sql`select version, name, checksum from schema_migrations order by version`)
}

/** The file's statements as they are; without parameters PostgreSQL takes several at once. */
export async function applyMigration(tx: Queryable, migration: AppliedMigration, text: string): Promise<void> {
  await tx.query(new Sql([text], []))
  await tx.query(sql`
    insert into schema_migrations (version, name, checksum)
    values (${migration.version}, ${migration.name}, ${migration.checksum})`)
}
