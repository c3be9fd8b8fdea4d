import { isUtf8 } from 'node:buffer'

import type { Access } from '../../access/access.ts'
import { requireName } from '../../base/names.ts'
import type { QuarantineEntry } from '../../store/quarantine.ts'
import type { Store } from '../../store/store.ts'
import { parseType } from '../../store/types.ts'
import { createTable, deleteTable, getTable, listQuarantine, listTables } from '../contract/tables.ts'
import { idOfCursor, pageOf } from '../cursor.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireSight } from '../sight.ts'
import { tableJson } from '../table-json.ts'

export function serveTables(host: OperationHost, access: Access, store: Store): void {
  serveOperation(host, listTables).with(async ({ principal, params }) => {
    await requireSight(access, principal, params.database)
    const tables = await store.listTables(principal.accountId, params.database)
    return { status: 200, body: { items: tables.map(tableJson), next_cursor: null } }
  })

  serveOperation(host, createTable).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const columns = body.columns.map(({ name, type }) => ({ name, type: parseType(type) }))
    const options = { columns, ifNotExists: body.if_not_exists }
    const table = await store.createTable(principal.accountId, params.database, body.name, options)
    return { status: 201, body: tableJson(table) }
  })

  serveOperation(host, getTable).with(async ({ principal, params }) => {
    await requireSight(access, principal, params.database)
    return { status: 200, body: tableJson(await store.table(principal.accountId, params.database, params.table)) }
  })

  serveOperation(host, deleteTable).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'full')
    await store.dropTable(principal.accountId, params.database, params.table)
    return { status: 204 }
  })

  // The records are data: whoever sees them must be allowed to query. They outlive the table, so it is not asked for.
  serveOperation(host, listQuarantine).with(async ({ principal, params, query }) => {
    await access.require(principal, params.database, 'query')
    const before = idOfCursor(query.cursor)
    requireName('table', params.table)
    const entries = await store.listQuarantine(
      principal.accountId,
      requireName('database', params.database),
      params.table,
      {
        limit: query.limit + 1,
        ...(before !== undefined && { before }),
      },
    )
    const { rows, nextCursor } = pageOf(entries, query.limit)
    return { status: 200, body: { items: rows.map(quarantineJson), next_cursor: nextCursor } }
  })
}

function quarantineJson(entry: QuarantineEntry) {
  const raw = Buffer.from(entry.raw.buffer, entry.raw.byteOffset, entry.raw.byteLength)
  const encoding = isUtf8(raw) ? 'utf8' : 'base64'
  return {
    id: entry.id,
    unique_id: entry.uniqueId,
    record_number: entry.recordNumber,
    byte_offset: entry.byteOffset,
    reason: entry.reason,
    detail: entry.detail,
    raw: raw.toString(encoding),
    raw_encoding: encoding,
    raw_bytes: entry.rawBytes,
    quarantined_at: entry.quarantinedAt.toISOString(),
  } as const
}
