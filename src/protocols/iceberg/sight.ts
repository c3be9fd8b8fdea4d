import type { Call } from './operation.ts'

/** A database, and what its tables are like, is seen by whoever may read or write in it. */
export async function maySee({ access, principal }: Call, database: string): Promise<boolean> {
  return (await access.may(principal, database, 'query')) || (await access.may(principal, database, 'import'))
}

/** Fails with `forbidden` where the principal may neither read nor write in the database. */
export async function requireSight({ access, principal }: Call, database: string): Promise<void> {
  if (await access.may(principal, database, 'import')) return
  await access.require(principal, database, 'query')
}
