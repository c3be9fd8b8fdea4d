import type { IcebergName, NamedChange, TableChange } from '../../../store/iceberg.ts'
import { checkBody, identifierOf, tableOfPath } from '../codec.ts'
import { changeOf, commitBody, transactionBody } from '../commit-codec.ts'
import type { Call, Operation } from '../operation.ts'
import { done } from '../operation.ts'

export const commitTable: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/tables/{table}',
  async handle(call) {
    const { catalog, principal, params, body } = call
    const table = tableOfPath(params)
    await catalog.commit(principal.accountId, [await permitted(call, table, changeOf(checkBody(commitBody, body)))])
    const { metadataLocation, metadata } = await catalog.load(principal.accountId, table)
    return { status: 200, body: { 'metadata-location': metadataLocation, metadata } }
  },
}

export const commitTransaction: Operation = {
  method: 'POST',
  path: '/transactions/commit',
  async handle(call) {
    const changes: NamedChange[] = []
    for (const each of checkBody(transactionBody, call.body)['table-changes']) {
      changes.push(await permitted(call, identifierOf(each.identifier), changeOf(each)))
    }
    await call.catalog.commit(call.principal.accountId, changes)
    return done
  },
}

/** Who may import may append; everything else needs the full permission. */
async function permitted({ access, principal }: Call, table: IcebergName, change: TableChange): Promise<NamedChange> {
  const isFull = await access.may(principal, table.database, 'full')
  if (!isFull) await access.require(principal, table.database, 'import')
  return { table, change, allowed: isFull ? 'everything' : 'append' }
}
