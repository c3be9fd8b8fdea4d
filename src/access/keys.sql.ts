import { must } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { KeyKind, User } from './access.ts'

export interface KeyRow {
  readonly id: number
  readonly user_id: number
  readonly kind: KeyKind
  readonly description: string
  readonly origins: readonly string[]
  readonly secret_hint: string
  readonly created_at: Date
  readonly last_used_at: Date | null
}

export async function insertKey(
  db: Queryable,
  key: {
    readonly accountId: number
    readonly userId: number
    readonly kind: KeyKind
    readonly description: string
    readonly origins: readonly string[]
    readonly sha256: Buffer
    readonly hint: string
  },
): Promise<KeyRow> {
  const rows = await db.query<KeyRow>(sql`
    insert into api_keys (account_id, user_id, kind, description, origins, secret_sha256, secret_hint)
    values (${key.accountId}, ${key.userId}, ${key.kind}, ${key.description}, ${key.origins}, ${key.sha256}, ${key.hint})
    returning id, user_id, kind, description, origins, secret_hint, created_at, last_used_at`)
  return must(rows[0], 'an inserted key is returned')
}

export interface KeyHolderRow {
  readonly key_id: number
  readonly account_id: number
  readonly user_id: number
  readonly kind: KeyKind
  readonly role: User['role']
  readonly secret_sha256: Buffer
  readonly origins: readonly string[]
}

/** Whose key has this hash; undefined where there is none or it was revoked. */
export async function selectKeyHolder(db: Queryable, sha256: Buffer): Promise<KeyHolderRow | undefined> {
  const rows = await db.query<KeyHolderRow>(sql`
    select k.id as key_id, k.account_id, k.user_id, k.kind, u.role, k.secret_sha256, k.origins
      from api_keys k
      join users u on u.id = k.user_id and u.account_id = k.account_id
     where k.secret_sha256 = ${sha256} and k.revoked_at is null`)
  return rows[0]
}

/** The keys that open something, of one user or of all. */
export function selectKeys(db: Queryable, accountId: number, userId: number | null): Promise<KeyRow[]> {
  return db.query(sql`
    select id, user_id, kind, description, origins, secret_hint, created_at, last_used_at
      from api_keys
     where account_id = ${accountId} and (${userId}::bigint is null or user_id = ${userId}) and revoked_at is null
     order by id`)
}

/** Undefined where the account has no such key, or it was revoked before. */
export async function selectKeyUser(
  db: Queryable,
  accountId: number,
  keyId: number,
): Promise<{ id: number; role: User['role'] } | undefined> {
  const rows = await db.query<{ id: number; role: User['role'] }>(sql`
    select u.id, u.role
      from api_keys k
      join users u on u.id = k.user_id and u.account_id = k.account_id
     where k.account_id = ${accountId} and k.id = ${keyId} and k.revoked_at is null`)
  return rows[0]
}

export async function markKeyRevoked(tx: Queryable, accountId: number, keyId: number): Promise<void> {
  await tx.query(sql`
    update api_keys set revoked_at = now()
     where account_id = ${accountId} and id = ${keyId} and revoked_at is null`)
}

/** Notes when keys were last used. Many processes do; the latest time stays. */
export async function noteKeyUses(
  db: Queryable,
  uses: readonly { readonly keyId: number; readonly at: Date }[],
): Promise<void> {
  await db.query(sql`
    update api_keys k
       set last_used_at = used.at
      from unnest(${uses.map((use) => use.keyId)}::bigint[], ${uses.map((use) => use.at)}::timestamptz[]) as used (id, at)
     where k.id = used.id and (k.last_used_at is null or k.last_used_at < used.at)`)
}
