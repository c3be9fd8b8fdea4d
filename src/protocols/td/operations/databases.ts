import type { Database } from '../../../store/store.ts'
import { dateText, requireTdName } from '../codec.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { maySee, param, permissionIn, requireSight } from '../sight.ts'

const listDatabases = operation('GET', '/database/list', async (call) => {
  const databases = []
  for (const database of await call.store.listDatabases(call.principal.accountId))
    if (await maySee(call, database.name)) databases.push(await databaseJson(call, database))
  return { body: { databases } }
})

const showDatabase = operation('GET', '/database/show/{database}', async (call) => {
  const name = param(call, 'database')
  await requireSight(call, name)
  const database = await call.store.database(call.principal.accountId, name)
  return { body: { id: database.id, ...(await databaseJson(call, database)) } }
})

const createDatabase = operation('POST', '/database/create/{database}', async (call) => {
  const name = requireTdName('database', param(call, 'database'))
  await call.access.require(call.principal, name, 'full')
  await call.store.createDatabase(call.principal.accountId, name)
  return { body: { database: name } }
})

/** With all its tables, as clients expect it. */
const deleteDatabase = operation('POST', '/database/delete/{database}', async (call) => {
  const name = param(call, 'database')
  await call.access.require(call.principal, name, 'full')
  await call.store.dropDatabase(call.principal.accountId, name)
  return { body: { database: name } }
})

async function databaseJson(call: Call, { name, tableCount, createdAt }: Database) {
  return {
    name,
    count: tableCount,
    created_at: dateText(createdAt),
    updated_at: dateText(createdAt),
    organization: null,
    permission: await permissionIn(call, name),
  }
}

export const databaseOperations: readonly Operation[] = [listDatabases, showDatabase, createDatabase, deleteDatabase]
