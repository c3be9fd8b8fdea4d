import { AppError } from '../base/errors.ts'
import { requireName } from '../base/names.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { DatabasePermission, Principal, Privilege } from './access.ts'
import {
  announceRights,
  deletePermission,
  holdDatabase,
  selectPermissions,
  upsertPermission,
} from './permissions.sql.ts'
import { requireAdministrator } from './rules.ts'
import { holdUser, selectUser } from './users.sql.ts'
import { userNotFound } from './users.ts'

export async function setPermission(
  postgres: Postgres,
  principal: Principal,
  { userId, database }: Pick<DatabasePermission, 'userId' | 'database'>,
  privilege: Privilege | null,
): Promise<void> {
  requireAdministrator(principal)
  requireName('database', database)
  const { accountId } = principal
  await postgres.transaction(async (tx) => {
    if ((await holdUser(tx, accountId, userId)) === undefined) throw userNotFound(userId)
    const databaseId = await holdDatabase(tx, accountId, database)
    if (databaseId === undefined) {
      throw new AppError('database_not_found', `The database "${database}" does not exist.`, {
        hint: 'Make it first: permissions belong to a database that exists.',
      })
    }
    const place = { accountId, userId, databaseId }
    if (privilege === null) await deletePermission(tx, place)
    else await upsertPermission(tx, place, privilege)
    await announceRights(tx, userId)
  })
}

/** Users see their own permissions, administrators everybody's. */
export async function permissionsOf(
  postgres: Postgres,
  principal: Principal,
  userId: number,
): Promise<DatabasePermission[]> {
  const user = await selectUser(postgres, principal.accountId, userId)
  if (user === undefined) throw userNotFound(userId)
  if (principal.userId !== userId) requireAdministrator(principal)
  return await selectPermissions(postgres, principal.accountId, userId)
}
