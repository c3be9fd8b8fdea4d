import type { Service } from '../base/service.ts'

/** What an API key lets its bearer do: everything, read only, or write only. */
export type KeyKind = 'full' | 'query' | 'import'

/** What can be asked for in a database. `full` includes the making and dropping of tables. */
export type Privilege = 'query' | 'import' | 'full'

/** Who asks: the result of authentication, and the first argument of whatever acts for a user. */
export interface Principal {
  readonly accountId: number
  readonly userId: number
  readonly keyId: number
  readonly keyKind: KeyKind
  readonly role: 'owner' | 'admin' | 'member'
}

export interface Account {
  readonly id: number
  readonly name: string
  readonly createdAt: Date
}

export interface User {
  readonly id: number
  readonly email: string
  readonly name: string
  readonly role: 'owner' | 'admin' | 'member'
  readonly createdAt: Date
}

export interface ApiKey {
  readonly id: number
  readonly userId: number
  readonly kind: KeyKind
  readonly description: string
  /** The web pages that may use it, such as `https://*.example.com`; all may where there are none. */
  readonly origins: readonly string[]
  /** The last four characters. */
  readonly hint: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export interface DatabasePermission {
  readonly userId: number
  readonly database: string
  readonly privilege: Privilege
}

/**
 * The door of access: accounts, users, API keys and permissions. Whatever belongs to another account does not exist
 * here: it answers with the `*_not_found` code, never with `forbidden`.
 */
export interface Access extends Service {
  /**
   * The principal of a key in the form `accountid/hex`, or `unauthenticated`. Answers from memory for a short while, so
   * that imports go on when PostgreSQL is away; a revocation reaches every process within a second while it is there. A key
   * that is bound to origins opens only for requests of which the door says that they come from one of them; for others,
   * `origin_not_allowed`.
   */
  authenticate(key: string, origin?: string): Promise<Principal>
  /**
   * The principal with the role that its user has now: for work that goes on after the request, and whose key may be
   * gone. Fails with `user_not_found` where the user was removed.
   */
  asOfNow(principal: Principal): Promise<Principal>
  /** Whether the key and its user hold the privilege in the database; for one that does not exist yet, by role alone. */
  may(principal: Principal, database: string, privilege: Privilege): Promise<boolean>
  /** Fails with `forbidden` unless `may`, with a hint of what is missing. */
  require(principal: Principal, database: string, privilege: Privilege): Promise<void>
  /** Fails with `forbidden` unless the user is an owner or admin with a full key. */
  requireAdministrator(principal: Principal): void

  createAccount(name: string, owner: { email: string; name: string }): Promise<{ account: Account; owner: User }>
  account(principal: Principal): Promise<Account>
  /** The first account of a fresh installation, with its owner and a full key; undefined where accounts exist. */
  bootstrap(): Promise<{ account: Account; owner: User; key: string } | undefined>

  /** With the password, where there is one: `setPassword` tells what it may be. */
  createUser(
    principal: Principal,
    user: { email: string; name: string; role: User['role']; password?: string },
  ): Promise<User>
  /** Who asks. */
  self(principal: Principal): Promise<User>
  listUsers(principal: Principal): Promise<User[]>
  deleteUser(principal: Principal, userId: number): Promise<void>
  /** Sets the password of a user, or takes it away: by the user, or by somebody who may manage the user's keys. */
  setPassword(principal: Principal, userId: number, password: string | null): Promise<void>
  /** As `setPassword` of whoever asks; fails with `unauthenticated` where the old one is another. */
  changePassword(principal: Principal, old: string, password: string): Promise<void>
  /**
   * A new key for whoever knows the password of the user with this address. Fails with `unauthenticated`, without a word on
   * whether there is such a user, and with `too_many_requests` after several wrong ones.
   */
  signIn(email: string, password: string): Promise<{ user: User; key: string }>
  /** What users are called, by id: all of the account to administrators, themselves to others. */
  userNames(principal: Principal): Promise<ReadonlyMap<number, string>>

  /** Makes a key for a user of the account. The returned `key` is shown this once. */
  createKey(
    principal: Principal,
    options: { userId?: number; kind: KeyKind; description?: string; origins?: readonly string[] },
  ): Promise<{ apiKey: ApiKey; key: string }>
  listKeys(principal: Principal): Promise<ApiKey[]>
  revokeKey(principal: Principal, keyId: number): Promise<void>
  /** The key of the account that is written so. Fails with `key_not_found`, also where the principal may not manage it. */
  findKey(principal: Principal, key: string): Promise<ApiKey>

  /** Replaces what the user may do in the database; `null` takes everything away. */
  setPermission(principal: Principal, userId: number, database: string, privilege: Privilege | null): Promise<void>
  listPermissions(principal: Principal, userId: number): Promise<DatabasePermission[]>
}
