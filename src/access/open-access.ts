import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Access, Account, Principal, User } from './access.ts'
import { anyAccountExists, lockBootstrap, selectAccount } from './accounts.sql.ts'
import { Authentication } from './authentication.ts'
import { KeyUsage } from './key-usage.ts'
import { selectKeys } from './keys.sql.ts'
import { findKey, keyOf, makeKey, makeKeyFor, revokeKey } from './keys.ts'
import { rightsChannel } from './permissions.sql.ts'
import { Passwords } from './passwords.ts'
import { upsertPassword } from './passwords.sql.ts'
import { permissionsOf, setPermission } from './permissions.ts'
import { isAdministrator, refusal, requireAdministrator, requireOwnerFor } from './rules.ts'
import { selectUsers } from './users.sql.ts'
import { accountOf, makeAccount, makeUser, removeUser, requireUser, userOf } from './users.ts'

export interface AccessOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
}

/**
 * Access over PostgreSQL. Until `start` it hears nothing of what other processes revoke, and answers from memory for up
 * to half a minute.
 */
export function openAccess({ postgres, clock, randomness, log }: AccessOptions): Access {
  const usage = new KeyUsage(postgres, clock, log)
  const authentication = new Authentication(postgres, clock, usage)
  const passwords = new Passwords({ postgres, clock, randomness })
  const parts = { postgres, randomness, authentication, passwords }
  let stopListening: (() => Promise<void>) | undefined

  const access: Access = {
    name: 'access',
    async start() {
      const onChange = (userId: string) => authentication.forget(Number(userId))
      stopListening = await postgres.listen(rightsChannel, onChange, () => authentication.expire())
      usage.start()
    },
    async stop() {
      await usage.stop()
      await stopListening?.()
      stopListening = undefined
    },

    authenticate: (key, origin) => authentication.authenticate(key, origin),
    asOfNow: (principal) => authentication.asOfNow(principal),
    may: (principal, database, privilege) => authentication.may(principal, database, privilege),
    async require(principal, database, privilege) {
      if (await authentication.may(principal, database, privilege)) return
      throw refusal(principal, database, privilege)
    },
    requireAdministrator,

    createAccount: (name, owner) => postgres.transaction((tx) => makeAccount(tx, name, owner)),
    async account({ accountId }) {
      const row = await selectAccount(postgres, accountId)
      if (row === undefined) throw new AppError('account_not_found', `The account ${accountId} does not exist.`)
      return accountOf(row)
    },
    bootstrap: () => bootstrap(postgres, randomness),

    ...people(parts),
    ...apiKeys(parts),

    async setPermission(principal, userId, database, privilege) {
      await setPermission(postgres, principal, { userId, database }, privilege)
      authentication.forget(userId)
    },
    listPermissions: (principal, userId) => permissionsOf(postgres, principal, userId),
  }
  return access
}

interface Parts {
  readonly postgres: Postgres
  readonly randomness: Randomness
  readonly authentication: Authentication
  readonly passwords: Passwords
}

type People = Pick<
  Access,
  'createUser' | 'listUsers' | 'userNames' | 'deleteUser' | 'self' | 'setPassword' | 'changePassword' | 'signIn'
>

function people({ postgres, authentication, passwords }: Parts): People {
  return {
    async createUser(principal, user) {
      requireAdministrator(principal)
      requireOwnerFor(principal, user.role)
      const { password, ...fresh } = user
      const kept = password === undefined ? undefined : await passwords.hashed(password)
      return await postgres.transaction(async (tx) => {
        const made = await makeUser(tx, principal.accountId, fresh)
        if (kept !== undefined) await upsertPassword(tx, { accountId: principal.accountId, userId: made.id }, kept)
        return made
      })
    },
    self: ({ accountId, userId }) => requireUser(postgres, accountId, userId),
    async listUsers(principal) {
      requireAdministrator(principal)
      return (await selectUsers(postgres, principal.accountId)).map(userOf)
    },
    userNames: (principal) => userNames(postgres, principal),
    setPassword: (principal, userId, password) => passwords.set(principal, userId, password),
    changePassword: (principal, old, password) => passwords.change(principal, old, password),
    async signIn(email, password) {
      const { accountId, userId, key } = await passwords.signIn(email, password)
      return { user: await requireUser(postgres, accountId, userId), key }
    },
    async deleteUser(principal, userId) {
      await removeUser(postgres, principal, userId)
      authentication.forget(userId)
    },
  }
}

type ApiKeys = Pick<Access, 'createKey' | 'listKeys' | 'findKey' | 'revokeKey'>

function apiKeys({ postgres, randomness, authentication }: Parts): ApiKeys {
  return {
    createKey: (principal, { userId = principal.userId, kind, description = '', origins = [] }) =>
      makeKeyFor(postgres, randomness, principal, { userId, kind, description, origins }),
    async listKeys(principal) {
      const userId = isAdministrator(principal) ? null : principal.userId
      return (await selectKeys(postgres, principal.accountId, userId)).map(keyOf)
    },
    findKey: (principal, key) => findKey(postgres, principal, key),
    async revokeKey(principal, keyId) {
      authentication.forget(await revokeKey(postgres, principal, keyId))
    },
  }
}

/** Of several processes that find an empty database at once, one makes the account. */
async function bootstrap(
  postgres: Postgres,
  randomness: Randomness,
): Promise<{ account: Account; owner: User; key: string } | undefined> {
  return await postgres.transaction(async (tx) => {
    await lockBootstrap(tx)
    if (await anyAccountExists(tx)) return undefined
    const made = await makeAccount(tx, 'main', { email: 'owner@localhost', name: 'Owner' })
    const description = 'made at the first start'
    const newKey = { userId: made.owner.id, kind: 'full', description, origins: [] } as const
    const { key } = await makeKey(tx, randomness, made.account.id, newKey)
    return { ...made, key }
  })
}

async function userNames(postgres: Postgres, principal: Principal): Promise<ReadonlyMap<number, string>> {
  const rows = await selectUsers(postgres, principal.accountId)
  const seen = isAdministrator(principal) ? rows : rows.filter(({ id }) => id === principal.userId)
  return new Map(seen.map(({ id, name }) => [id, name]))
}
