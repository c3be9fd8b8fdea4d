import { AppError } from '../base/errors.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import type { Account, Principal, User } from './access.ts'
import { insertAccount } from './accounts.sql.ts'
import type { AccountRow } from './accounts.sql.ts'
import { announceRights } from './permissions.sql.ts'
import { requirePrintable } from './printable.ts'
import { requireAdministrator, requireOwnerFor } from './rules.ts'
import type { UserRow } from './users.sql.ts'
import { deleteUserRow, insertUser, lockOwners, selectUser } from './users.sql.ts'

export type NewUser = Pick<User, 'email' | 'name' | 'role'>

const charactersMax = 320

export async function makeAccount(
  tx: Queryable,
  name: string,
  owner: { email: string; name: string },
): Promise<{ account: Account; owner: User }> {
  const account = accountOf(await insertAccount(tx, requirePrintable('name of the account', name, charactersMax)))
  return { account, owner: await makeUser(tx, account.id, { ...owner, role: 'owner' }) }
}

export async function makeUser(db: Queryable, accountId: number, user: NewUser): Promise<User> {
  const row = await insertUser(db, accountId, {
    email: requirePrintable('e-mail address', user.email, charactersMax),
    name: requirePrintable('name of the user', user.name, charactersMax),
    role: user.role,
  })
  if (row !== undefined) return userOf(row)
  throw new AppError('already_exists', `The account has a user with the address ${user.email} already.`, {
    hint: 'Use that user, or another address.',
  })
}

export async function removeUser(postgres: Postgres, principal: Principal, userId: number): Promise<void> {
  const { accountId } = principal
  await postgres.transaction(async (tx) => {
    // Two owners who delete each other at once must not both succeed.
    const owners = await lockOwners(tx, accountId)
    const user = await selectUser(tx, accountId, userId)
    if (user === undefined) throw userNotFound(userId)
    requireAdministrator(principal)
    requireOwnerFor(principal, user.role)
    if (owners.length === 1 && owners[0] === userId) {
      throw new AppError('forbidden', 'The last owner of an account cannot be deleted.', {
        hint: 'Make another owner first.',
      })
    }
    await deleteUserRow(tx, accountId, userId)
    await announceRights(tx, userId)
  })
}

export async function requireUser(db: Queryable, accountId: number, userId: number): Promise<User> {
  const row = await selectUser(db, accountId, userId)
  if (row === undefined) throw userNotFound(userId)
  return userOf(row)
}

export function userNotFound(userId: number): AppError {
  return new AppError('user_not_found', `The account has no user ${userId}.`, {
    hint: 'List the users of the account to find the right id.',
  })
}

export function accountOf(row: AccountRow): Account {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

export function userOf(row: UserRow): User {
  return { id: row.id, email: row.email, name: row.name, role: row.role, createdAt: row.created_at }
}
