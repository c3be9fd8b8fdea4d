import type { Access, Principal } from '../../access/access.ts'
import type { Database, Store } from '../../store/store.ts'
import { createDatabase, deleteDatabase, getDatabase, listDatabases } from '../contract/databases.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { maySee, requireSight } from '../sight.ts'

export function serveDatabases(host: OperationHost, access: Access, store: Store): void {
  serveOperation(host, listDatabases).with(async ({ principal }) => {
    const all = await store.listDatabases(principal.accountId)
    const items = (await visible(access, principal, all)).map(databaseJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, createDatabase).with(async ({ principal, body }) => {
    await access.require(principal, body.name, 'full')
    const database = await store.createDatabase(principal.accountId, body.name, { ifNotExists: body.if_not_exists })
    return { status: 201, body: databaseJson(database) }
  })

  serveOperation(host, getDatabase).with(async ({ principal, params }) => {
    await requireSight(access, principal, params.database)
    return { status: 200, body: databaseJson(await store.database(principal.accountId, params.database)) }
  })

  serveOperation(host, deleteDatabase).with(async ({ principal, params }) => {
    await access.require(principal, params.database, 'full')
    await store.dropDatabase(principal.accountId, params.database)
    return { status: 204 }
  })
}

async function visible(access: Access, principal: Principal, databases: readonly Database[]): Promise<Database[]> {
  const seen: Database[] = []
  for (const database of databases) if (await maySee(access, principal, database.name)) seen.push(database)
  return seen
}

function databaseJson({ id, name, tableCount, createdAt }: Database) {
  return { id, name, table_count: tableCount, created_at: createdAt.toISOString() }
}
