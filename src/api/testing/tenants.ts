import type { Access, KeyKind, Principal } from '../../access/access.ts'

/** A person with an account of their own, and a key of each kind. */
export interface Tenant {
  readonly principal: Principal
  readonly keys: Readonly<Record<KeyKind, string>>
}

export async function makeTenant(access: Access, name: string): Promise<Tenant> {
  const { account, owner } = await access.createAccount(name, { email: `${name}@example.com`, name })
  const principal: Principal = { accountId: account.id, userId: owner.id, keyId: 0, keyKind: 'full', role: 'owner' }
  const key = async (kind: KeyKind): Promise<string> => (await access.createKey(principal, { kind })).key
  return { principal, keys: { full: await key('full'), query: await key('query'), import: await key('import') } }
}
