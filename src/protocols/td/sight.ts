import type { Call } from './operation.ts'

/** A database, and what its tables are like, is seen by whoever may read or write in it. */
export async function maySee({ access, principal }: Call, database: string): Promise<boolean> {
  return (await access.may(principal, database, 'query')) || (await access.may(principal, database, 'import'))
}

/** What the principal may do in a database that is seen, in Treasure Data's words. */
export async function permissionIn(
  { access, principal }: Call,
  database: string,
): Promise<'administrator' | 'full_access' | 'query_only' | 'import_only'> {
  if (await access.may(principal, database, 'full'))
    return principal.role === 'member' ? 'full_access' : 'administrator'
  return (await access.may(principal, database, 'query')) ? 'query_only' : 'import_only'
}
