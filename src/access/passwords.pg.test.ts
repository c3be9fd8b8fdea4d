import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import type { Access, Principal } from './access.ts'
import { openAccess } from './open-access.ts'
import { freeFailures, signInKeysMax, waitSecondsAfter } from './passwords.ts'

let database: TestDatabase
let access: Access
let owner: Principal
let number = 0
/** The time, where it stands still. */
let stoppedMs: number | undefined

beforeAll(async () => {
  database = await openTestDatabase()
  const clock = { ...systemClock, nowMs: () => stoppedMs ?? systemClock.nowMs() }
  access = openAccess({ postgres: database.postgres, clock, randomness: systemRandomness, log: openLog('silent') })
  await access.start()
})
afterAll(async () => {
  await access.stop()
  await database.close()
})
beforeEach(async () => {
  number += 1
  const made = await access.createAccount('a', { email: `owner${number}@example.org`, name: 'Owner' })
  owner = { accountId: made.account.id, userId: made.owner.id, keyId: 0, keyKind: 'full', role: 'owner' }
})

const address = () => `owner${number}@example.org`

describe('passwords', () => {
  it('open a key to whoever knows them, and to nobody before one is set', async () => {
    await expect(access.signIn(address(), '')).rejects.toMatchObject({ code: 'unauthenticated' })
    await access.setPassword(owner, owner.userId, 'correct horse')
    await expect(access.signIn(address(), 'wrong horse')).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(access.signIn('nobody@example.org', 'correct horse')).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    const { user, key } = await access.signIn(address().toUpperCase(), 'correct horse')
    expect(user.id).toBe(owner.userId)
    expect(await access.authenticate(key)).toMatchObject({ userId: owner.userId, keyKind: 'full', role: 'owner' })
    expect(await access.findKey(owner, key)).toMatchObject({ userId: owner.userId, description: 'made by signing in' })
    await access.setPassword(owner, owner.userId, null)
    await expect(access.signIn(address(), 'correct horse')).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('are kept as hashes that differ', async () => {
    const second = await access.createUser(owner, { email: 'b@c.de', name: 'B', role: 'member', password: 'the same' })
    await access.setPassword(owner, owner.userId, 'the same')
    const rows = await database.postgres.query<{ hash: Buffer; user_id: number }>(sql`
      select hash, user_id from user_passwords where account_id = ${owner.accountId}`)
    expect(new Set(rows.map((row) => row.user_id))).toEqual(new Set([owner.userId, second.id]))
    expect(rows[0]?.hash.equals(rows[1]?.hash ?? Buffer.alloc(0))).toBe(false)
  })

  it('are changed by those who know the old one, and set by those who manage the keys', async () => {
    const made = await access.createUser(owner, { email: 'b@c.de', name: 'B', role: 'member' })
    const member: Principal = { ...owner, userId: made.id, role: 'member' }
    await access.setPassword(owner, made.id, 'first password')
    await expect(access.changePassword(member, 'not this one', 'second password')).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    await access.changePassword(member, 'first password', 'second password')
    await access.signIn('b@c.de', 'second password')
    await expect(access.setPassword(member, owner.userId, 'mine now')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(access.setPassword(owner, made.id, 'short')).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(access.setPassword({ ...owner, keyKind: 'query' }, made.id, 'long enough')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('cannot be guessed one after the other, nor many at once', async () => {
    await access.setPassword(owner, owner.userId, 'correct horse')
    stoppedMs = systemClock.nowMs()
    const guess = () => access.signIn(address(), 'wrong horse').catch((error) => error.code)
    const codes = await Promise.all(Array.from({ length: 12 }, guess))
    const looked = codes.filter((code) => code === 'unauthenticated').length
    expect(looked).toBeLessThanOrEqual(freeFailures)
    expect(codes.filter((code) => code === 'too_many_requests')).toHaveLength(12 - looked)
    for (let failures = looked; failures < freeFailures; failures += 1) expect(await guess()).toBe('unauthenticated')
    await expect(access.signIn(address(), 'correct horse')).rejects.toMatchObject({
      code: 'too_many_requests',
      retryAfterSeconds: 1,
    })
    stoppedMs += 1001
    await access.signIn(address(), 'correct horse')
    expect(await guess()).toBe('unauthenticated')
    await access.signIn(address(), 'correct horse')
    stoppedMs = undefined
  })

  it('leave a user so many keys', async () => {
    await access.setPassword(owner, owner.userId, 'correct horse')
    await database.postgres.query(sql`
      insert into api_keys (account_id, user_id, kind, description, secret_sha256, secret_hint, signed_in)
      select ${owner.accountId}, ${owner.userId}, 'full', 'old', sha256(n::text::bytea), 'abcd', true
        from generate_series(${number * 1000}::integer, ${number * 1000 + signInKeysMax - 1}::integer) as n`)
    await access.createKey(owner, { kind: 'full', description: 'of another way' })
    const { key } = await access.signIn(address(), 'correct horse')
    const keys = await access.listKeys(owner)
    expect(keys).toHaveLength(signInKeysMax + 1)
    expect(keys.map(({ id }) => id)).toContain((await access.findKey(owner, key)).id)
  })
})

it('the waits after wrong tries grow to a quarter of an hour', () => {
  const waits = Array.from({ length: 20 }, (_, failures) => waitSecondsAfter(failures))
  expect(waits.slice(0, freeFailures)).toEqual([0, 0, 0, 0, 0])
  expect(waits.slice(freeFailures, freeFailures + 3)).toEqual([1, 2, 4])
  expect(Math.max(...waits)).toBe(900)
})
