import { must } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

export interface AccountRow {
  readonly id: number
  readonly name: string
  readonly created_at: Date
}

export async function insertAccount(tx: Queryable, name: string): Promise<AccountRow> {
  const rows = await tx.query<AccountRow>(sql`
    insert into accounts (name) values (${name})
    returning id, name, created_at`)
  return must(rows[0], 'an inserted account is returned')
}

export async function selectAccount(db: Queryable, accountId: number): Promise<AccountRow | undefined> {
  const rows = await db.query<AccountRow>(sql`select id, name, created_at from accounts where id = ${accountId}`)
  return rows[0]
}

export async function anyAccountExists(tx: Queryable): Promise<boolean> {
  const rows = await tx.query(sql`select from accounts limit 1`)
  return rows.length > 0
}

/** Any number that no other advisory lock of ours uses. */
const bootstrapLock = 7_281_943

/** Lets one transaction after the other look whether there is an account, and make the first one. */
export async function lockBootstrap(tx: Queryable): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(${bootstrapLock})`)
}
