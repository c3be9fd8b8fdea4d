import { must } from '../../base/errors.ts'
import type { TableName } from '../../store/store.ts'
import type { Call, OpenCall } from './operation.ts'

/** A database, and what its tables are like, is seen by whoever may read or write in it. */
export async function maySee({ access, principal }: Call, database: string): Promise<boolean> {
  return (await access.may(principal, database, 'query')) || (await access.may(principal, database, 'import'))
}

/** Fails with `forbidden` where the principal may neither read nor write in the database. */
export async function requireSight({ access, principal }: Call, database: string): Promise<void> {
  if (await access.may(principal, database, 'import')) return
  await access.require(principal, database, 'query')
}

/** What the principal may do in a database that is seen, in Treasure Data's words. */
export async function permissionIn(
  { access, principal }: Call,
  database: string,
): Promise<'administrator' | 'full_access' | 'query_only' | 'import_only'> {
  if (await access.may(principal, database, 'full')) {
    return principal.role === 'member' ? 'full_access' : 'administrator'
  }
  return (await access.may(principal, database, 'query')) ? 'query_only' : 'import_only'
}

/** What stands in the path in the place of `{name}`. */
export function param({ params }: OpenCall, name: string): string {
  return must(params[name], `the path has {${name}}`)
}

/** The table that the path names. */
export function tableOfPath(call: OpenCall): TableName {
  return { database: param(call, 'database'), name: param(call, 'table') }
}
