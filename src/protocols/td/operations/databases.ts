import type { Database } from '../../../store/store.ts'
import { dateText } from '../codec.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { maySee, permissionIn } from '../sight.ts'

const listDatabases = operation('GET', '/database/list', async (call) => {
  const databases = []
  for (const database of await call.store.listDatabases(call.principal.accountId))
    if (await maySee(call, database.name)) databases.push(await databaseJson(call, database))
  return { body: { databases } }
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

export const databaseOperations: readonly Operation[] = [listDatabases]
