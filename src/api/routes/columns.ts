import type { Access } from '../../access/access.ts'
import type { Store, TableName } from '../../store/store.ts'
import { parseType } from '../../store/types.ts'
import { addColumn, deleteColumn, updateColumn } from '../contract/columns.ts'
import type { OperationHost } from '../serve-operation.ts'
import { serveOperation } from '../serve-operation.ts'
import { tableJson } from '../table-json.ts'

export function serveColumns(host: OperationHost, access: Access, store: Store): void {
  const nameOf = (params: { database: string; table: string }): TableName => ({
    database: params.database,
    name: params.table,
  })

  serveOperation(host, addColumn).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const { name, type, if_not_exists: ifNotExists } = body
    const change = { kind: 'add_column', name, type: parseType(type), ifNotExists } as const
    return { status: 201, body: tableJson(await store.alterColumns(principal.accountId, nameOf(params), [change])) }
  })

  serveOperation(host, updateColumn).with(async ({ principal, params, body }) => {
    await access.require(principal, params.database, 'full')
    const name = params.column
    const change =
      'name' in body
        ? ({ kind: 'rename_column', name, to: body.name } as const)
        : ({ kind: 'change_type', name, type: parseType(body.type) } as const)
    return { status: 200, body: tableJson(await store.alterColumns(principal.accountId, nameOf(params), [change])) }
  })

  serveOperation(host, deleteColumn).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'full')
    const change = { kind: 'drop_column', name: params.column } as const
    await store.alterColumns(principal.accountId, nameOf(params), [change])
    return { status: 204 }
  })
}
