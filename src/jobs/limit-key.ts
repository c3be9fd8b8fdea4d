import { AppError } from '../base/errors.ts'

/** A key that can be read, and the account whose jobs it counts; null for those of all accounts, and of the system. */
export interface LimitKey {
  readonly key: string
  readonly accountId: number | null
}

const name = /^[^\p{C}\s](?:[^\p{C}]{0,126}[^\p{C}\s])?$/u
const kindName = /^[^\p{C}\s/]{1,128}$/u

/** Fails with `invalid_request` for what is no key of the grammar in limits.ts. */
export function parseLimitKey(key: string): LimitKey {
  const { type = '', rest = '' } = /^(?<type>[a-z]+):(?<rest>.*)$/s.exec(key)?.groups ?? {}
  const { id = '', tail } = /^(?<id>0|[1-9][0-9]{0,15})(?:\/(?<tail>.*))?$/s.exec(rest)?.groups ?? {}
  const account = id === '' ? undefined : Number(id)
  const ofSystem = account === 0 ? null : account
  if (type === 'kind' && kindName.test(rest)) return { key, accountId: null }
  // The system's own jobs name resources, and nothing else that is counted for one account.
  if (type === 'resource' && ofSystem !== undefined && name.test(tail ?? '')) return { key, accountId: ofSystem }
  if (account === undefined || account === 0) throw invalidKey(key)
  if (type === 'workgroup' && name.test(tail ?? '')) return { key, accountId: account }
  if (type === 'account' && (tail === undefined || isKindPart(tail))) return { key, accountId: account }
  throw invalidKey(key)
}

function isKindPart(tail: string): boolean {
  return tail.startsWith('kind:') && kindName.test(tail.slice('kind:'.length))
}

function invalidKey(key: string): AppError {
  return new AppError('invalid_request', `${JSON.stringify(key.slice(0, 200))} is not the key of a limit.`, {
    hint: 'Write account:1, kind:query, account:1/kind:query, workgroup:1/etl or resource:1/redshift.',
  })
}
