import { AppError } from '../base/errors.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { ApiKey, KeyKind, Principal } from './access.ts'
import { hashKey, mintKey } from './api-key.ts'
import type { KeyRow } from './keys.sql.ts'
import { insertKey, markKeyRevoked, selectKeyHolder, selectKeys, selectKeyUser } from './keys.sql.ts'
import { requireOrigins } from './origins.ts'
import { announceRights } from './permissions.sql.ts'
import { requirePrintable } from './printable.ts'
import { isAdministrator, requireSay } from './rules.ts'
import { holdUser } from './users.sql.ts'
import { userNotFound } from './users.ts'

export interface NewKey {
  readonly userId: number
  readonly kind: KeyKind
  readonly description: string
  readonly origins: readonly string[]
}

export async function makeKey(
  db: Queryable,
  randomness: Randomness,
  accountId: number,
  { userId, kind, description, origins }: NewKey,
): Promise<{ apiKey: ApiKey; key: string }> {
  const { key, sha256, hint } = mintKey(accountId, randomness)
  requirePrintable('description of the key', description, 500)
  const allowed = requireOrigins(kind, origins)
  const row = await insertKey(db, { accountId, userId, kind, description, origins: allowed, sha256, hint })
  return { apiKey: keyOf(row), key }
}

export async function makeKeyFor(
  postgres: Postgres,
  randomness: Randomness,
  principal: Principal,
  newKey: NewKey,
): Promise<{ apiKey: ApiKey; key: string }> {
  return await postgres.transaction(async (tx) => {
    const user = await holdUser(tx, principal.accountId, newKey.userId)
    if (user === undefined) throw userNotFound(newKey.userId)
    requireSay(principal, user)
    return await makeKey(tx, randomness, principal.accountId, newKey)
  })
}

/** Returns whose key it was. */
export async function revokeKey(postgres: Postgres, principal: Principal, keyId: number): Promise<number> {
  return await postgres.transaction(async (tx) => {
    const user = await selectKeyUser(tx, principal.accountId, keyId)
    if (user === undefined) {
      throw new AppError('key_not_found', `The account has no API key ${keyId}.`, {
        hint: 'List the keys to find the right id; a key that was revoked is not among them.',
      })
    }
    requireSay(principal, user)
    await markKeyRevoked(tx, principal.accountId, keyId)
    await announceRights(tx, user.id)
    return user.id
  })
}

/** Whose key it is, is not told to those who may not manage it: to them it does not exist. */
export async function findKey(postgres: Postgres, principal: Principal, key: string): Promise<ApiKey> {
  const { accountId, userId } = principal
  const holder = await selectKeyHolder(postgres, hashKey(key))
  const isOwn = holder?.account_id === accountId && (isAdministrator(principal) || holder.user_id === userId)
  const keys = isOwn ? await selectKeys(postgres, accountId, holder.user_id) : []
  const found = keys.find(({ id }) => id === holder?.key_id)
  if (found !== undefined) return keyOf(found)
  throw new AppError('key_not_found', 'The account has no such API key.', {
    hint: 'Send the whole key as it was shown when it was made.',
  })
}

export function keyOf(row: KeyRow): ApiKey {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    description: row.description,
    origins: row.origins,
    hint: row.secret_hint,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}
