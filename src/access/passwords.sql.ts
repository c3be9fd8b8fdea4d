import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { PasswordHash } from './password-hash.ts'

/** A user who has a password, and the tries to guess it. */
export interface PasswordRow extends PasswordHash {
  readonly accountId: number
  readonly userId: number
  readonly failures: number
  readonly lastFailedAt: Date | null
}

const passwordColumns = sql`
  p.account_id as "accountId", p.user_id as "userId", p.salt, p.hash, p.cost, p.block_size as "blockSize", p.parallelism,
  p.failures, p.last_failed_at as "lastFailedAt"`

/** Of all accounts: an address alone says who signs in, and one person may be a user of several. */
export function selectPasswordsOf(db: Queryable, email: string, limit: number): Promise<PasswordRow[]> {
  return db.query(sql`
    select ${passwordColumns}
      from users u
      join user_passwords p on p.account_id = u.account_id and p.user_id = u.id
     where lower(u.email) = lower(${email})
     order by u.id
     limit ${limit}`)
}

export async function selectPassword(
  db: Queryable,
  accountId: number,
  userId: number,
): Promise<PasswordRow | undefined> {
  const rows = await db.query<PasswordRow>(sql`
    select ${passwordColumns} from user_passwords p where p.account_id = ${accountId} and p.user_id = ${userId}`)
  return rows[0]
}

export async function upsertPassword(
  tx: Queryable,
  { accountId, userId }: { readonly accountId: number; readonly userId: number },
  { salt, hash, cost, blockSize, parallelism }: PasswordHash,
): Promise<void> {
  await tx.query(sql`
    insert into user_passwords (account_id, user_id, salt, hash, cost, block_size, parallelism)
    values (${accountId}, ${userId}, ${salt}, ${hash}, ${cost}, ${blockSize}, ${parallelism})
    on conflict (user_id) do update
       set salt = excluded.salt, hash = excluded.hash, cost = excluded.cost, block_size = excluded.block_size,
           parallelism = excluded.parallelism, changed_at = now(), failures = 0, last_failed_at = null`)
}

export async function deletePassword(tx: Queryable, accountId: number, userId: number): Promise<void> {
  await tx.query(sql`delete from user_passwords where account_id = ${accountId} and user_id = ${userId}`)
}

/**
 * Counts a try as failed before it is looked at, so that many at once gain nothing. False where another one was counted since
 * `failures`.
 */
export async function countTry(
  db: Queryable,
  { userId, failures }: { readonly userId: number; readonly failures: number },
  at: Date,
): Promise<boolean> {
  const rows = await db.query(sql`
    update user_passwords set failures = failures + 1, last_failed_at = ${at}
     where user_id = ${userId} and failures = ${failures}
    returning 1`)
  return rows.length === 1
}

export async function forgetTries(db: Queryable, userId: number): Promise<void> {
  await db.query(sql`update user_passwords set failures = 0, last_failed_at = null where user_id = ${userId}`)
}

/** Marks the key as made by signing in, and revokes those of the user that went unused longest. Returns how many. */
export async function keepNewestSignIns(
  tx: Queryable,
  { userId, keyId }: { readonly userId: number; readonly keyId: number },
  keysMax: number,
): Promise<number> {
  await tx.query(sql`update api_keys set signed_in = true where id = ${keyId}`)
  const revoked = await tx.query(sql`
    update api_keys set revoked_at = now()
     where id in (select id from api_keys
                   where user_id = ${userId} and signed_in and revoked_at is null
                   order by coalesce(last_used_at, created_at) desc, id desc
                  offset ${keysMax})
    returning 1`)
  return revoked.length
}
