import { timingSafeEqual } from 'node:crypto'

import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { requireName } from '../base/names.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Principal, Privilege } from './access.ts'
import { hashText } from './api-key.ts'
import type { KeyUsage } from './key-usage.ts'
import type { KeyHolderRow } from './keys.sql.ts'
import { selectKeyHolder } from './keys.sql.ts'
import { opensFor, wrongOrigin } from './origins.ts'
import { selectPrivilege } from './permissions.sql.ts'
import { RecentAnswers } from './recent-answers.ts'
import { covers, runsTheAccount } from './rules.ts'
import { selectUser } from './users.sql.ts'

const memory = { freshMs: 30_000, keptMs: 3_600_000, entriesMax: 10_000 }

interface KnownKey {
  readonly principal: Principal
  readonly sha256: Buffer
  readonly origins: readonly string[]
}

interface KnownUser {
  readonly userId: number
  readonly role: Principal['role']
}

interface KnownPrivilege {
  readonly userId: number
  readonly privilege: Privilege | null
}

/** Who has which key and which rights, as far as every request asks for it: from memory, where it is known. */
export class Authentication {
  readonly #postgres: Postgres
  readonly #usage: KeyUsage
  readonly #keys: RecentAnswers<KnownKey>
  readonly #users: RecentAnswers<KnownUser>
  readonly #privileges: RecentAnswers<KnownPrivilege>

  constructor(postgres: Postgres, clock: Clock, usage: KeyUsage) {
    this.#postgres = postgres
    this.#usage = usage
    this.#keys = new RecentAnswers(clock, memory)
    this.#users = new RecentAnswers(clock, memory)
    this.#privileges = new RecentAnswers(clock, memory)
  }

  /** Unknown, revoked and malformed keys take the same way and get the same answer. */
  async authenticate(key: string, origin: string | undefined): Promise<Principal> {
    const text = hashText(key)
    const known = await this.#keys.ask(text, () => this.#findKey(Buffer.from(text, 'base64')))
    // The hash was found by lookup, of which the time tells something about hashes, but nothing about keys.
    if (known === undefined || !timingSafeEqual(known.sha256, Buffer.from(text, 'base64'))) throw unauthenticated()
    if (!opensFor(known.origins, origin)) throw wrongOrigin(origin)
    this.#usage.note(known.principal.keyId)
    return known.principal
  }

  async #findKey(sha256: Buffer): Promise<KnownKey | undefined> {
    const row = await selectKeyHolder(this.#postgres, sha256)
    if (row === undefined) return undefined
    return { principal: principalOf(row), sha256: row.secret_sha256, origins: row.origins }
  }

  async asOfNow(principal: Principal): Promise<Principal> {
    const { accountId, userId } = principal
    const known = await this.#users.ask(`${accountId} ${userId}`, async () => {
      const user = await selectUser(this.#postgres, accountId, userId)
      return user === undefined ? undefined : { userId, role: user.role }
    })
    if (known !== undefined) return { ...principal, role: known.role }
    throw new AppError('user_not_found', `The user ${userId}, in whose name this would run, was removed.`, {
      hint: 'Somebody else has to submit it, or to take its schedule over.',
    })
  }

  async may(principal: Principal, database: string, wanted: Privilege): Promise<boolean> {
    if (!covers(principal.keyKind, wanted)) return false
    if (runsTheAccount(principal.role)) return true
    requireName('database', database)
    const question = `${principal.accountId} ${principal.userId} ${database}`
    const known = await this.#privileges.ask(question, async () => {
      const privilege = (await selectPrivilege(this.#postgres, principal, database)) ?? null
      return { userId: principal.userId, privilege }
    })
    return covers(known?.privilege ?? null, wanted)
  }

  /** The rights of the user have changed: what was true of them is true no longer, whoever is away. */
  forget(userId: number): void {
    this.#keys.forget(({ principal }) => principal.userId === userId)
    this.#users.forget((known) => known.userId === userId)
    this.#privileges.forget((known) => known.userId === userId)
  }

  /** Changes may have been missed: everything is asked again as soon as somebody can be asked. */
  expire(): void {
    this.#keys.expire()
    this.#users.expire()
    this.#privileges.expire()
  }
}

function principalOf(row: KeyHolderRow): Principal {
  return {
    accountId: row.account_id,
    userId: row.user_id,
    keyId: row.key_id,
    keyKind: row.kind,
    role: row.role,
  }
}

function unauthenticated(): AppError {
  return new AppError('unauthenticated', 'The API key does not exist, or was revoked.', {
    hint: 'Check that the whole key was sent, in the form accountid/hex. An owner or admin can make another one.',
  })
}
