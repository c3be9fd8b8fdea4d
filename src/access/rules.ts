import { AppError } from '../base/errors.ts'
import type { KeyKind, Principal, Privilege, User } from './access.ts'

/**
 * Who may do what in a database: what the user holds there, as far as the key lets it through.
 *
 * | role          | holds in a database                                                  |
 * | ------------- | -------------------------------------------------------------------- |
 * | owner, admin  | everything, also in one that does not exist yet: a first write makes it |
 * | member        | what `database_permissions` grants: `query`, `import`, or `full` for both and for tables |
 *
 * | kind of key   | lets through  |
 * | ------------- | ------------- |
 * | full          | everything    |
 * | query         | `query` only  |
 * | import        | `import` only |
 */
export function covers(held: Privilege | KeyKind | null, wanted: Privilege): boolean {
  return held === 'full' || held === wanted
}

export function runsTheAccount(role: User['role']): boolean {
  return role !== 'member'
}

export function isAdministrator(principal: Principal): boolean {
  return runsTheAccount(principal.role) && principal.keyKind === 'full'
}

export function requireAdministrator(principal: Principal): void {
  if (isAdministrator(principal)) return
  throw new AppError('forbidden', 'Only an owner or admin of the account may do this, with a full key.', {
    hint: runsTheAccount(principal.role)
      ? `Use a full key; this one is for ${principal.keyKind} only.`
      : 'Ask an owner or admin of the account.',
  })
}

/**
 * Whether the principal may manage a user's keys, or the user: administrators those of everybody, but only owners
 * those of an owner, and each user the own ones. A key must be full, or it could make itself a stronger one.
 */
export function requireSay(principal: Principal, user: Pick<User, 'id' | 'role'>): void {
  const own = principal.userId === user.id && principal.keyKind === 'full'
  if (own) return
  requireAdministrator(principal)
  requireOwnerFor(principal, user.role)
}

/** An admin who could make or take over an owner would be one. */
export function requireOwnerFor(principal: Principal, role: User['role']): void {
  if (role !== 'owner' || principal.role === 'owner') return
  throw new AppError('forbidden', 'Only an owner of the account may do this to an owner.', {
    hint: 'Ask an owner of the account.',
  })
}

/** The refusal of a privilege, with what is missing: the key's kind or the user's permission. */
export function refusal(principal: Principal, database: string, wanted: Privilege): AppError {
  if (!covers(principal.keyKind, wanted)) {
    return new AppError('forbidden', `This API key may not ${deeds[wanted]} the database "${database}".`, {
      hint: `Use a key of the kind ${wanted === 'full' ? 'full' : `full or ${wanted}`}; this one is of the kind ${principal.keyKind}.`,
    })
  }
  return new AppError('forbidden', `The user of this API key may not ${deeds[wanted]} the database "${database}".`, {
    hint: `Ask an owner or admin of the account for the permission ${wanted}, or to make the database.`,
  })
}

const deeds = { query: 'query', import: 'import into', full: 'change' } as const satisfies Record<Privilege, string>
