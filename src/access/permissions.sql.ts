import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { DatabasePermission, Privilege } from './access.ts'

/** What the user holds in the database; undefined where nothing was granted or there is no such database. */
export async function selectPrivilege(
  db: Queryable,
  user: { readonly accountId: number; readonly userId: number },
  database: string,
): Promise<Privilege | undefined> {
  const rows = await db.query<{ privilege: Privilege }>(sql`
    select p.privilege
      from database_permissions p
      join databases d on d.id = p.database_id and d.account_id = p.account_id
     where p.account_id = ${user.accountId} and p.user_id = ${user.userId}
       and d.name = ${database} and d.dropped_at is null`)
  return rows[0]?.privilege
}

export function selectPermissions(db: Queryable, accountId: number, userId: number): Promise<DatabasePermission[]> {
  return db.query(sql`
    select p.user_id as "userId", d.name as database, p.privilege
      from database_permissions p
      join databases d on d.id = p.database_id and d.account_id = p.account_id
     where p.account_id = ${accountId} and p.user_id = ${userId} and d.dropped_at is null
     order by d.name`)
}

/** The database, which is not dropped until the transaction ends; undefined where there is none. */
export async function holdDatabase(tx: Queryable, accountId: number, name: string): Promise<number | undefined> {
  const rows = await tx.query<{ id: number }>(sql`
    select id from databases
     where account_id = ${accountId} and name = ${name} and dropped_at is null
       for share`)
  return rows[0]?.id
}

export interface PermissionPlace {
  readonly accountId: number
  readonly userId: number
  readonly databaseId: number
}

export async function upsertPermission(tx: Queryable, place: PermissionPlace, privilege: Privilege): Promise<void> {
  await tx.query(sql`
    insert into database_permissions (account_id, user_id, database_id, privilege)
    values (${place.accountId}, ${place.userId}, ${place.databaseId}, ${privilege})
    on conflict (account_id, user_id, database_id) do update set privilege = excluded.privilege`)
}

export async function deletePermission(tx: Queryable, place: PermissionPlace): Promise<void> {
  await tx.query(sql`
    delete from database_permissions
     where account_id = ${place.accountId} and user_id = ${place.userId} and database_id = ${place.databaseId}`)
}

/** The channel on which changed rights are announced; the payload is the id of the user whose they are. */
export const rightsChannel = 'biwa_access'

/** Tells every process, when the transaction commits, to forget what the user may do. */
export async function announceRights(tx: Queryable, userId: number): Promise<void> {
  await tx.query(sql`select pg_notify(${rightsChannel}, ${String(userId)})`)
}
