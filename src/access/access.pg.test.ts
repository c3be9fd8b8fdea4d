import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { must } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { openPostgres, sql } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import { openSeverableWay } from '../jobs/testing/severable-postgres.ts'
import type { Access, KeyKind, Principal, Privilege } from './access.ts'
import { openAccess } from './open-access.ts'

let database: TestDatabase
let access: Access

beforeAll(async () => {
  database = await openTestDatabase()
  access = openOver(database.postgres)
  await access.start()
})
afterAll(async () => {
  await access.stop()
  await database.close()
})

function openOver(postgres: Postgres, clock: Clock = systemClock): Access {
  return openAccess({ postgres, clock, randomness: systemRandomness, log: openLog('silent') })
}

/** An account with an owner, an admin and a member, each as a full key would show them. */
async function makeAccount() {
  const { account, owner } = await access.createAccount('a', { email: 'owner@example.org', name: 'Owner' })
  const boss = principalOf(account.id, owner)
  const admin = await access.createUser(boss, { email: 'admin@example.org', name: 'Admin', role: 'admin' })
  const member = await access.createUser(boss, { email: 'member@example.org', name: 'Member', role: 'member' })
  return {
    accountId: account.id,
    owner: boss,
    admin: principalOf(account.id, admin),
    member: principalOf(account.id, member),
  }
}

function principalOf(accountId: number, user: { id: number; role: Principal['role'] }): Principal {
  return { accountId, userId: user.id, keyId: 0, keyKind: 'full', role: user.role }
}

async function makeDatabase(accountId: number, name: string): Promise<void> {
  await database.postgres.query(sql`insert into databases (account_id, name) values (${accountId}, ${name})`)
}

const unauthenticated = { code: 'unauthenticated' }
const forbidden = { code: 'forbidden' }

type MadeAccount = Awaited<ReturnType<typeof makeAccount>>

describe('authentication', () => {
  let made: MadeAccount
  beforeEach(async () => {
    made = await makeAccount()
  })

  test('tells whose key it is, of what kind', async () => {
    for (const kind of ['full', 'query', 'import'] as const) {
      const { key, apiKey } = await access.createKey(made.member, { kind, description: 'for a test' })
      expect(key.startsWith(`${made.accountId}/`)).toBe(true)
      expect(apiKey).toMatchObject({ kind, description: 'for a test', hint: key.slice(-4), lastUsedAt: null })
      expect(await access.authenticate(key)).toEqual({ ...made.member, keyId: apiKey.id, keyKind: kind })
    }
  })

  test('opens a key that is bound to origins for these alone', async () => {
    const origins = ['https://*.example.com']
    const { key, apiKey } = await access.createKey(made.member, { kind: 'import', origins })
    expect(apiKey.origins).toEqual(origins)
    expect((await access.listKeys(made.member)).map((one) => one.origins)).toEqual([origins])
    expect(await access.authenticate(key, 'https://a.example.com')).toMatchObject({ keyId: apiKey.id })
    const wrong = { code: 'origin_not_allowed' }
    await expect(access.authenticate(key, 'https://evil.org')).rejects.toMatchObject(wrong)
    await expect(access.authenticate(key)).rejects.toMatchObject(wrong)
    const free = await access.createKey(made.member, { kind: 'import' })
    expect(await access.authenticate(free.key, 'https://evil.org')).toMatchObject({ keyId: free.apiKey.id })
    const refused = access.createKey(made.member, { kind: 'full', origins })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('answers unknown, malformed, foreign and revoked keys alike', async () => {
    const { key, apiKey } = await access.createKey(made.owner, { kind: 'full' })
    const [, secret = ''] = key.split('/')
    await access.authenticate(key)
    await access.revokeKey(made.owner, apiKey.id)
    const other = await makeAccount()
    const wrong = [
      key,
      `${other.accountId}/${secret}`,
      `${made.accountId}/${'0'.repeat(64)}`,
      secret,
      '',
      '/',
      'x'.repeat(100_000),
      "1/' or 1=1 --",
      'nul\0',
    ]
    const answers = await Promise.all(wrong.map((text) => access.authenticate(text).catch((error: unknown) => error)))
    for (const answer of answers) expect(answer).toMatchObject(unauthenticated)
    expect(new Set(answers.map(String)).size).toBe(1)
  })

  test('keeps nothing of a key but its hash', async () => {
    const { key } = await access.createKey(made.owner, { kind: 'full' })
    const [row] = await database.postgres.query<{ row: string }>(
      sql`select string_agg(k::text, ' ') as row from api_keys k`,
    )
    expect(row?.row).not.toContain(key.split('/')[1])
  })

  test('notes when a key was last used, apart from the requests', async () => {
    const far = openOver(database.postgres)
    await far.start()
    const { key, apiKey } = await access.createKey(made.owner, { kind: 'query' })
    const unused = await access.createKey(made.owner, { kind: 'query' })
    await far.authenticate(key)
    await far.stop()
    const keys = await access.listKeys(made.owner)
    expect(keys.find(({ id }) => id === apiKey.id)?.lastUsedAt).toBeInstanceOf(Date)
    expect(keys.find(({ id }) => id === unused.apiKey.id)?.lastUsedAt).toBeNull()
  })
})

describe('permission', () => {
  const kinds: readonly KeyKind[] = ['full', 'query', 'import']
  const privileges: readonly Privilege[] = ['query', 'import', 'full']
  const letThrough: Record<KeyKind, readonly Privilege[]> = { full: privileges, query: ['query'], import: ['import'] }

  test('is what role, grant and kind of key allow together, in every combination', async () => {
    const made = await makeAccount()
    await makeDatabase(made.accountId, 'web')
    for (const granted of [null, ...privileges]) {
      await access.setPermission(made.owner, made.member.userId, 'web', granted)
      const held = granted === null ? [] : letThrough[granted]
      for (const keyKind of kinds) {
        const may = async (principal: Principal, name: string) => {
          const asked = privileges.map((wanted) => access.may({ ...principal, keyKind }, name, wanted))
          const answers = await Promise.all(asked)
          return privileges.filter((_, index) => answers[index])
        }
        expect(await may(made.owner, 'web')).toEqual(letThrough[keyKind])
        expect(await may(made.admin, 'web')).toEqual(letThrough[keyKind])
        expect(await may(made.member, 'web')).toEqual(letThrough[keyKind].filter((wanted) => held.includes(wanted)))
        expect(await may(made.owner, 'not_there_yet')).toEqual(letThrough[keyKind])
        expect(await may(made.member, 'not_there_yet')).toEqual([])
      }
    }
  })

  test('of a database of that name in another account is no permission here', async () => {
    const [made, other] = [await makeAccount(), await makeAccount()]
    await makeDatabase(made.accountId, 'web')
    await makeDatabase(other.accountId, 'web')
    await access.setPermission(made.owner, made.member.userId, 'web', 'full')
    expect(await access.may(made.member, 'web', 'query')).toBe(true)
    expect(await access.may(other.member, 'web', 'query')).toBe(false)
    // A principal that was put together wrongly gets nothing either.
    expect(await access.may({ ...made.member, accountId: other.accountId }, 'web', 'query')).toBe(false)
  })

  test('ends with the database, also for one of the same name that follows', async () => {
    const made = await makeAccount()
    await makeDatabase(made.accountId, 'web')
    await access.setPermission(made.owner, made.member.userId, 'web', 'full')
    expect(await access.listPermissions(made.member, made.member.userId)).toEqual([
      { userId: made.member.userId, database: 'web', privilege: 'full' },
    ])
    await database.postgres.query(sql`update databases set dropped_at = now() where account_id = ${made.accountId}`)
    await makeDatabase(made.accountId, 'web')
    expect(await openOver(database.postgres).may(made.member, 'web', 'query')).toBe(false)
    expect(await access.listPermissions(made.member, made.member.userId)).toEqual([])
  })

  test('that is missing is refused with what is missing', async () => {
    const { member, owner } = await makeAccount()
    await expect(access.require(member, 'web', 'query')).rejects.toMatchObject(forbidden)
    await expect(access.require({ ...owner, keyKind: 'query' }, 'web', 'import')).rejects.toMatchObject({
      ...forbidden,
      hint: 'Use a key of the kind full or import; this one is of the kind query.',
    })
    await access.require(owner, 'web', 'full')
    await expect(access.require(member, 'nul\0', 'query')).rejects.toMatchObject({ code: 'invalid_name' })
  })
})

describe('another account', () => {
  test('does not exist, through any door', async () => {
    const [made, other] = [await makeAccount(), await makeAccount()]
    await makeDatabase(other.accountId, 'theirs')
    const theirs = other.member.userId
    const { apiKey } = await access.createKey(other.owner, { kind: 'full' })
    const noUser = { code: 'user_not_found' }
    for (const asker of [made.owner, made.member]) {
      await expect(access.createKey(asker, { userId: theirs, kind: 'query' })).rejects.toMatchObject(noUser)
      await expect(access.deleteUser(asker, theirs)).rejects.toMatchObject(noUser)
      await expect(access.listPermissions(asker, theirs)).rejects.toMatchObject(noUser)
      await expect(access.revokeKey(asker, apiKey.id)).rejects.toMatchObject({ code: 'key_not_found' })
    }
    await expect(access.setPermission(made.owner, theirs, 'theirs', 'full')).rejects.toMatchObject(noUser)
    const grantHere = access.setPermission(made.owner, made.member.userId, 'theirs', 'full')
    await expect(grantHere).rejects.toMatchObject({ code: 'database_not_found' })
    expect((await access.listUsers(made.owner)).map(({ id }) => id)).toEqual(
      [made.owner, made.admin, made.member].map(({ userId }) => userId),
    )
    expect(await access.listKeys(made.owner)).toEqual([])
    expect((await access.account(made.member)).id).toBe(made.accountId)
    expect((await access.listKeys(other.owner)).map(({ id }) => id)).toEqual([apiKey.id])
  })
})

describe('users and keys', () => {
  let made: MadeAccount
  beforeEach(async () => {
    made = await makeAccount()
  })

  test('are managed by owners and admins with full keys; a member has a say in the own keys', async () => {
    const { member, admin, owner } = made
    const add = (asker: Principal) => access.createUser(asker, { email: 'x@example.org', name: 'X', role: 'member' })
    await expect(add(member)).rejects.toMatchObject(forbidden)
    await expect(add({ ...admin, keyKind: 'query' })).rejects.toMatchObject(forbidden)
    await expect(access.listUsers(member)).rejects.toMatchObject(forbidden)
    await expect(access.deleteUser(member, admin.userId)).rejects.toMatchObject(forbidden)
    await expect(access.setPermission(member, member.userId, 'web', 'full')).rejects.toMatchObject(forbidden)
    await expect(access.createKey(member, { userId: owner.userId, kind: 'full' })).rejects.toMatchObject(forbidden)
    await expect(access.createKey({ ...member, keyKind: 'import' }, { kind: 'full' })).rejects.toMatchObject(forbidden)

    const own = (await access.createKey(member, { kind: 'full' })).apiKey
    const bosses = (await access.createKey(owner, { kind: 'full' })).apiKey
    expect((await access.listKeys(member)).map(({ id }) => id)).toEqual([own.id])
    expect((await access.listKeys(admin)).map(({ id }) => id)).toEqual([own.id, bosses.id])
    await expect(access.revokeKey(member, bosses.id)).rejects.toMatchObject(forbidden)
    await expect(access.revokeKey(admin, bosses.id)).rejects.toMatchObject(forbidden)
    await access.revokeKey(member, own.id)
    await expect(access.revokeKey(member, own.id)).rejects.toMatchObject({ code: 'key_not_found' })
  })

  test('of owners are for owners, of whom one always stays', async () => {
    const { owner, admin } = made
    const another = { email: 'second@example.org', name: 'Second', role: 'owner' } as const
    await expect(access.createUser(admin, another)).rejects.toMatchObject(forbidden)
    await expect(access.deleteUser(admin, owner.userId)).rejects.toMatchObject(forbidden)
    await expect(access.deleteUser(owner, owner.userId)).rejects.toMatchObject(forbidden)
    const second = principalOf(made.accountId, await access.createUser(owner, another))
    const outcomes = await Promise.allSettled([
      access.deleteUser(owner, second.userId),
      access.deleteUser(second, owner.userId),
    ])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test('have one address once, and no control characters in their names', async () => {
    const user = { email: 'member@example.org', name: 'Again', role: 'member' } as const
    await expect(access.createUser(made.owner, user)).rejects.toMatchObject({ code: 'already_exists' })
    for (const name of ['nul\0', 'two\nlines', 'half \ud800', 'x'.repeat(1000)]) {
      const odd = access.createUser(made.owner, { ...user, email: 'odd@example.org', name })
      await expect(odd).rejects.toMatchObject({ code: 'invalid_request' })
    }
    const described = access.createKey(made.owner, { kind: 'full', description: 'nul\0' })
    await expect(described).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('go with the user', async () => {
    const { key } = await access.createKey(made.member, { kind: 'full' })
    await makeDatabase(made.accountId, 'web')
    await access.setPermission(made.owner, made.member.userId, 'web', 'query')
    await access.authenticate(key)
    await access.deleteUser(made.owner, made.member.userId)
    await expect(access.authenticate(key)).rejects.toMatchObject(unauthenticated)
    await expect(access.deleteUser(made.owner, made.member.userId)).rejects.toMatchObject({ code: 'user_not_found' })
    expect(await access.may(made.member, 'web', 'query')).toBe(false)
  })
})

test('a principal as of now has the role of its user, of whom nobody runs anything once removed', async () => {
  const made = await makeAccount()
  expect(await access.asOfNow({ ...made.member, role: 'owner', keyKind: 'query' })).toEqual({
    ...made.member,
    keyKind: 'query',
  })
  const elsewhere = { ...made.member, accountId: (await makeAccount()).accountId }
  await expect(access.asOfNow(elsewhere)).rejects.toMatchObject({ code: 'user_not_found' })
  await access.deleteUser(made.owner, made.member.userId)
  await expect(access.asOfNow(made.member)).rejects.toMatchObject({ code: 'user_not_found' })
})

describe('another process', () => {
  test('hears of revoked keys, taken permissions and deleted users', async () => {
    const made = await makeAccount()
    await makeDatabase(made.accountId, 'web')
    await access.setPermission(made.owner, made.member.userId, 'web', 'query')
    const { key, apiKey } = await access.createKey(made.owner, { kind: 'full' })
    const { key: ofMember } = await access.createKey(made.member, { kind: 'full' })
    // Time stands still: what it remembers stays fresh, and only an announcement can change it.
    const far = openOver(database.postgres, { ...systemClock, monotonicMs: () => 0 })
    await far.start()
    await far.authenticate(key)
    const member = await far.authenticate(ofMember)
    expect(await far.may(member, 'web', 'query')).toBe(true)
    expect(await far.asOfNow(member)).toEqual(member)

    await access.revokeKey(made.owner, apiKey.id)
    await vi.waitFor(() => expect(far.authenticate(key)).rejects.toMatchObject(unauthenticated), 90_000)
    await access.setPermission(made.owner, member.userId, 'web', null)
    await vi.waitFor(async () => expect(await far.may(member, 'web', 'query')).toBe(false), 90_000)
    await access.deleteUser(made.owner, member.userId)
    await vi.waitFor(() => expect(far.authenticate(ofMember)).rejects.toMatchObject(unauthenticated), 90_000)
    await expect(far.asOfNow(member)).rejects.toMatchObject({ code: 'user_not_found' })
    await far.stop()
  })
})

test('while PostgreSQL is away, those who were known lately go on; revocations of that time count when it is back', async () => {
  const made = await makeAccount()
  await makeDatabase(made.accountId, 'web')
  await access.setPermission(made.owner, made.member.userId, 'web', 'import')
  const { key, apiKey } = await access.createKey(made.member, { kind: 'import' })
  const { key: unseen } = await access.createKey(made.member, { kind: 'import' })
  const way = await openSeverableWay(database.url)
  const postgres = await openPostgres({ url: way.url, connectionsMax: 2, applicationName: 'severed' })
  let nowMs = 0
  const far = openOver(postgres, { ...systemClock, monotonicMs: () => nowMs })
  await far.start()
  const principal = await far.authenticate(key)
  expect(await far.may(principal, 'web', 'import')).toBe(true)

  await way.sever()
  nowMs += 40_000
  expect(await far.authenticate(key)).toEqual(principal)
  expect(await far.may(principal, 'web', 'import')).toBe(true)
  expect(await far.may(principal, 'web', 'query')).toBe(false)
  await expect(far.authenticate(unseen)).rejects.toMatchObject({ code: 'database_unavailable' })
  await access.revokeKey(made.member, apiKey.id)
  nowMs += 3_600_000
  await expect(far.authenticate(key)).rejects.toMatchObject({ code: 'database_unavailable' })

  await way.mend()
  await expect(far.authenticate(key)).rejects.toMatchObject(unauthenticated)
  await far.stop()
  await postgres.close()
  await way.close()
})

test('a gap in the announcements makes everything be asked again', async () => {
  const made = await makeAccount()
  const { key, apiKey } = await access.createKey(made.owner, { kind: 'full' })
  const way = await openSeverableWay(database.url)
  const postgres = await openPostgres({ url: way.url, connectionsMax: 2, applicationName: 'gap' })
  const far = openOver(postgres, { ...systemClock, monotonicMs: () => 0 })
  await far.start()
  await far.authenticate(key)
  await way.sever()
  await access.revokeKey(made.owner, apiKey.id)
  expect(await far.authenticate(key)).toMatchObject({ keyId: apiKey.id })
  await way.mend()
  await vi.waitFor(() => expect(far.authenticate(key)).rejects.toMatchObject(unauthenticated), 90_000)
  await far.stop()
  await postgres.close()
  await way.close()
})

test('of many processes that find an empty database, one makes the first account', async () => {
  const fresh = await openTestDatabase()
  const made = await Promise.all(Array.from({ length: 8 }, () => openOver(fresh.postgres).bootstrap()))
  const [first, ...more] = made.filter((one) => one !== undefined)
  expect(more).toEqual([])
  const { account, owner, key } = must(first, 'one process made the account')
  expect(await openOver(fresh.postgres).authenticate(key)).toMatchObject({
    accountId: account.id,
    userId: owner.id,
    keyKind: 'full',
    role: 'owner',
  })
  expect(await openOver(fresh.postgres).bootstrap()).toBeUndefined()
  await fresh.close()
})
