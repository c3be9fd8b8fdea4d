import type { Access, Principal } from '../../access/access.ts'
import { isAppError } from '../../base/errors.ts'
import type { RejectionCount, Rejections } from '../../collect/rejections.ts'
import type { Quarantine, QuarantineCount } from '../../store/quarantine.ts'
import { listRejections } from '../contract/rejections.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireReader } from '../sight.ts'

/** What was rejected lately: requests at the doors, and records on their way into tables. */
export function serveRejections(
  host: OperationHost,
  access: Access,
  rejections: Rejections,
  quarantine: Quarantine,
): void {
  serveOperation(host, listRejections).with(async ({ principal, query }) => {
    requireReader(principal)
    const { minutes, key, door, limit } = query
    const since = new Date(host.clock.nowMs() - minutes * 60_000)
    const keyHint = key?.startsWith('…') === true ? key.slice(1) : undefined
    const keyId = key === undefined || keyHint !== undefined ? undefined : Number(key)
    const requests = await rejections.list(principal.accountId, { since, keyId, keyHint, door, limit })
    // Nothing was kept that came with a key which nobody has.
    const records =
      keyHint === undefined ? await quarantine.recent(principal.accountId, { since, keyId, door, limit }) : []
    const all = [...requests.map(requestJson), ...records.map(recordJson)]
    const sight = await databasesInSight(access, principal, all)
    const items = all
      .filter(({ database }) => sight(database))
      .toSorted((a, b) => (a.last_at < b.last_at ? 1 : -1))
      .slice(0, limit)
    return { status: 200, body: { items, next_cursor: null } }
  })
}

/** Members see what concerns the databases that they may query; the others see everything. */
async function databasesInSight(
  access: Access,
  principal: Principal,
  items: readonly { readonly database: string | null }[],
): Promise<(database: string | null) => boolean> {
  if (principal.role !== 'member') return () => true
  const seen = new Set<string | null>()
  for (const name of new Set(items.map(({ database }) => database))) {
    if (name !== null && (await mayQuery(access, principal, name))) seen.add(name)
  }
  return (database) => seen.has(database)
}

/** What was sent as a name may be none. */
async function mayQuery(access: Access, principal: Principal, database: string): Promise<boolean> {
  try {
    return await access.may(principal, database, 'query')
  } catch (error) {
    if (isAppError(error, 'invalid_name')) return false
    throw error
  }
}

function requestJson({ keyId, keyHint, door, code, database, table, isRest, count, detail, lastAt }: RejectionCount) {
  return {
    kind: 'request' as const,
    door,
    key_id: keyId,
    key_hint: keyHint,
    database,
    table,
    reason: code,
    count,
    detail,
    rest: isRest,
    last_at: lastAt.toISOString(),
  }
}

function recordJson({ database, table, reason, keyId, door, count, detail, lastAt }: QuarantineCount) {
  return {
    kind: 'record' as const,
    door,
    key_id: keyId,
    key_hint: null,
    database,
    table,
    reason,
    count,
    detail,
    rest: false,
    last_at: lastAt.toISOString(),
  }
}
