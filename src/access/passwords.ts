import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Principal } from './access.ts'
import { makeKey } from './keys.ts'
import { hashPassword, isPassword, nobodysHash } from './password-hash.ts'
import type { PasswordHash } from './password-hash.ts'
import type { PasswordRow } from './passwords.sql.ts'
import {
  countTry,
  deletePassword,
  forgetTries,
  keepNewestSignIns,
  selectPassword,
  selectPasswordsOf,
  upsertPassword,
} from './passwords.sql.ts'
import { announceRights } from './permissions.sql.ts'
import { requireSay } from './rules.ts'
import { holdUser } from './users.sql.ts'
import { userNotFound } from './users.ts'

const charactersMin = 8
const charactersMax = 256

/** Users of one address, in different accounts, among whom a password decides. */
const namesakesMax = 5

/** Keys that one user has from signing in; the one that went unused longest makes room for the next. */
export const signInKeysMax = 20

/** Passwords are compared one after the other, for each takes memory and a core: so many may wait. */
const waitingMax = 20

/** Wrong tries in a row that are free; each further one doubles the wait before the next. */
export const freeFailures = 5
const waitSecondsMax = 900

/** How long to wait after the last of so many wrong tries in a row. */
export function waitSecondsAfter(failures: number): number {
  if (failures < freeFailures) return 0
  return Math.min(waitSecondsMax, 2 ** (failures - freeFailures))
}

export interface PasswordsOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly randomness: Randomness
}

/** Passwords of users. Nobody has one before one was set. */
export class Passwords {
  readonly #options: PasswordsOptions
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: PasswordsOptions) {
    this.#options = options
  }

  async set(principal: Principal, userId: number, password: string | null): Promise<void> {
    const { postgres } = this.#options
    const kept = password === null ? null : await this.hashed(password)
    await postgres.transaction(async (tx) => {
      const user = await holdUser(tx, principal.accountId, userId)
      if (user === undefined) throw userNotFound(userId)
      requireSay(principal, user)
      const place = { accountId: principal.accountId, userId }
      if (kept === null) await deletePassword(tx, principal.accountId, userId)
      else await upsertPassword(tx, place, kept)
    })
  }

  async change(principal: Principal, old: string, password: string): Promise<void> {
    const row = await selectPassword(this.#options.postgres, principal.accountId, principal.userId)
    if (row === undefined || !(await this.#tryOn(row, old))) throw wrongPassword()
    await this.set(principal, principal.userId, password)
  }

  /** Fails with `unauthenticated`, `too_many_requests` or `overloaded`. Whether there is such a user is not told. */
  async signIn(email: string, password: string): Promise<{ accountId: number; userId: number; key: string }> {
    const { postgres } = this.#options
    const rows = await selectPasswordsOf(postgres, email, namesakesMax)
    if (rows.length === 0) await this.#compare(password, nobodysHash)
    for (const row of rows) if (await this.#tryOn(row, password)) return await this.#makeKey(row)
    throw wrongPassword()
  }

  /** Fails with `invalid_request` where it is too short or too long. */
  async hashed(password: string): Promise<PasswordHash> {
    if (password.length >= charactersMin && password.length <= charactersMax) {
      return await this.#inTurn(() => hashPassword(password, this.#options.randomness))
    }
    throw new AppError('invalid_request', 'The password is too short or too long.', {
      hint: `Passwords have ${charactersMin} to ${charactersMax} characters, whichever they are.`,
    })
  }

  async #tryOn(row: PasswordRow, password: string): Promise<boolean> {
    const { postgres, clock } = this.#options
    const { failures, lastFailedAt, userId } = row
    const elapsedMs = clock.nowMs() - (lastFailedAt?.getTime() ?? -Infinity)
    const waitMs = waitSecondsAfter(failures) * 1000 - elapsedMs
    if (waitMs > 0) throw tooManyTries(waitMs)
    if (!(await countTry(postgres, row, new Date(clock.nowMs())))) throw tooManyTries(1000)
    if (!(await this.#compare(password, row))) return false
    await forgetTries(postgres, userId)
    return true
  }

  #compare(password: string, kept: PasswordHash): Promise<boolean> {
    return this.#inTurn(() => isPassword(password.slice(0, charactersMax + 1), kept))
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      throw new AppError('overloaded', 'Too many passwords wait to be compared.', { retryAfterSeconds: 5 })
    }
    this.#waiting += 1
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return await turn.finally(() => (this.#waiting -= 1))
  }

  async #makeKey({ accountId, userId }: PasswordRow): Promise<{ accountId: number; userId: number; key: string }> {
    const { postgres, randomness } = this.#options
    return await postgres.transaction(async (tx) => {
      const fresh = { userId, kind: 'full', description: 'made by signing in', origins: [] } as const
      const { apiKey, key } = await makeKey(tx, randomness, accountId, fresh)
      const revoked = await keepNewestSignIns(tx, { userId, keyId: apiKey.id }, signInKeysMax)
      if (revoked > 0) await announceRights(tx, userId)
      return { accountId, userId, key }
    })
  }
}

function wrongPassword(): AppError {
  return new AppError('unauthenticated', 'The address and the password belong to no user.', {
    hint: 'Nobody has a password before one was set: biwa user password sets one.',
  })
}

function tooManyTries(waitMs: number): AppError {
  return new AppError('too_many_requests', 'Too many wrong passwords were tried for this user.', {
    hint: 'Wait before you try again; an owner or admin can set another password.',
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  })
}
