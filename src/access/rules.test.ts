import { describe, expect, test } from 'vitest'

import type { KeyKind, Principal, Privilege } from './access.ts'
import { covers, refusal, requireAdministrator, requireSay } from './rules.ts'

const principal = (more: Partial<Principal>): Principal => ({
  accountId: 1,
  userId: 1,
  keyId: 1,
  keyKind: 'full',
  role: 'member',
  ...more,
})

describe('the rules of access', () => {
  test('let a full key and permission through everything, others only their own', () => {
    const privileges: Privilege[] = ['query', 'import', 'full']
    const through = (held: KeyKind | null) => privileges.filter((wanted) => covers(held, wanted))
    expect(through('full')).toEqual(['query', 'import', 'full'])
    expect(through('query')).toEqual(['query'])
    expect(through('import')).toEqual(['import'])
    expect(through(null)).toEqual([])
  })

  test('name what is missing', () => {
    const ofKey = refusal(principal({ role: 'owner', keyKind: 'query' }), 'web', 'import')
    expect(ofKey.message).toBe('This API key may not import into the database "web".')
    expect(ofKey.hint).toBe('Use a key of the kind full or import; this one is of the kind query.')
    const ofUser = refusal(principal({}), 'web', 'full')
    expect(ofUser.message).toBe('The user of this API key may not change the database "web".')
    expect(ofUser.hint).toContain('the permission full')
  })

  test('make administrators of owners and admins with full keys only', () => {
    for (const role of ['owner', 'admin', 'member'] as const) {
      for (const keyKind of ['full', 'query', 'import'] as const) {
        const ask = () => requireAdministrator(principal({ role, keyKind }))
        if (role !== 'member' && keyKind === 'full') expect(ask).not.toThrow()
        else expect(ask).toThrow(expect.objectContaining({ code: 'forbidden' }))
      }
    }
  })

  test('give a say in a user’s keys to administrators and the user, and in an owner’s to owners', () => {
    const say = (asker: Partial<Principal>, id: number, role: Principal['role']) => {
      try {
        requireSay(principal(asker), { id, role })
        return true
      } catch {
        return false
      }
    }
    expect(say({ role: 'member' }, 1, 'member')).toBe(true)
    expect(say({ role: 'member' }, 2, 'member')).toBe(false)
    expect(say({ role: 'member', keyKind: 'query' }, 1, 'member')).toBe(false)
    expect(say({ role: 'admin' }, 2, 'admin')).toBe(true)
    expect(say({ role: 'admin' }, 2, 'owner')).toBe(false)
    expect(say({ role: 'admin', keyKind: 'import' }, 2, 'member')).toBe(false)
    expect(say({ role: 'owner' }, 2, 'owner')).toBe(true)
  })
})
