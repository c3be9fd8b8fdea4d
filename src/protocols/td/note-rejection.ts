import type { Access, Principal } from '../../access/access.ts'
import { isAppError } from '../../base/errors.ts'
import type { Rejections } from '../../collect/rejections.ts'
import type { Operation } from './operation.ts'

interface Parts {
  readonly access: Access
  readonly rejections: Pick<Rejections, 'note'>
}

/** Counts a body that was refused, for whoever asks later why nothing arrives. */
export async function noteRejection(
  { access, rejections }: Parts,
  operation: Operation,
  params: unknown,
  key: string | undefined,
  error: unknown,
): Promise<void> {
  if ((operation.kind !== 'import' && operation.kind !== 'stream') || !isAppError(error)) return
  const { db: ofBulk, database = ofBulk, table } = params as Readonly<Record<string, string | undefined>>
  const principal = error.code === 'unauthenticated' || key === undefined ? undefined : await senderOf(access, key)
  rejections.note({
    accountId: principal?.accountId ?? null,
    keyId: principal?.keyId ?? null,
    unknownKey: principal === undefined ? key : undefined,
    door: operation.path.startsWith('/bulk_import') ? 'bulk' : 'td',
    code: error.code,
    detail: error.message,
    database: database ?? null,
    table: table ?? null,
  })
}

/** The key was good a moment ago, and is known without asking anybody. */
async function senderOf(access: Access, key: string): Promise<Principal | undefined> {
  try {
    return await access.authenticate(key)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}
