import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { User } from './access.ts'

export interface UserRow {
  readonly id: number
  readonly email: string
  readonly name: string
  readonly role: User['role']
  readonly created_at: Date
}

/** Undefined where the account has a user of that address. */
export async function insertUser(
  db: Queryable,
  accountId: number,
  user: { readonly email: string; readonly name: string; readonly role: User['role'] },
): Promise<UserRow | undefined> {
  const rows = await db.query<UserRow>(sql`
    insert into users (account_id, email, name, role)
    values (${accountId}, ${user.email}, ${user.name}, ${user.role})
    on conflict (account_id, email) do nothing
    returning id, email, name, role, created_at`)
  return rows[0]
}

export async function selectUser(db: Queryable, accountId: number, userId: number): Promise<UserRow | undefined> {
  const rows = await db.query<UserRow>(sql`
    select id, email, name, role, created_at from users
     where account_id = ${accountId} and id = ${userId}`)
  return rows[0]
}

/** As `selectUser`; the user is not deleted until the transaction ends. */
export async function holdUser(tx: Queryable, accountId: number, userId: number): Promise<UserRow | undefined> {
  const rows = await tx.query<UserRow>(sql`
    select id, email, name, role, created_at from users
     where account_id = ${accountId} and id = ${userId}
       for key share`)
  return rows[0]
}

export function selectUsers(db: Queryable, accountId: number): Promise<UserRow[]> {
  return db.query(sql`
    select id, email, name, role, created_at from users
     where account_id = ${accountId}
     order by id`)
}

/** The ids of the owners, who stay as they are until the transaction ends. */
export async function lockOwners(tx: Queryable, accountId: number): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(sql`
    select id from users
     where account_id = ${accountId} and role = 'owner'
     order by id
       for update`)
  return rows.map((row) => row.id)
}

/** Keys and permissions go with the user. */
export async function deleteUserRow(tx: Queryable, accountId: number, userId: number): Promise<void> {
  await tx.query(sql`delete from users where account_id = ${accountId} and id = ${userId}`)
}
