import { dateText } from '../codec.ts'
import { operation } from '../operation.ts'
import type { Operation } from '../operation.ts'

/** There are no plans here, and no cores that an account would be promised or refused: jobs of all share the workers. */
const showAccount = operation('GET', '/account/show', async ({ access, store, principal }) => {
  const { id, createdAt } = await access.account(principal)
  let storageSize = 0
  for (const { name } of await store.listDatabases(id)) {
    for (const { bytes } of await store.listTables(id, name)) storageSize += bytes
  }
  const cores = { guaranteed_cores: 0, maximum_cores: 0 }
  return { body: { account: { id, plan: 0, storage_size: storageSize, ...cores, created_at: dateText(createdAt) } } }
})

export const accountOperations: readonly Operation[] = [showAccount]
