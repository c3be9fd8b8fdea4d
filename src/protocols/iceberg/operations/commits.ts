import { AppError } from '../../../base/errors.ts'
import type { IcebergName, IcebergTable, TableChange } from '../../../store/iceberg.ts'
import { checkBody, identifierOf, tableOfPath } from '../codec.ts'
import { changeOf, commitBody, transactionBody } from '../commit-codec.ts'
import type { Call, Operation } from '../operation.ts'
import { done } from '../operation.ts'

export const commitTable: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/tables/{table}',
  async handle(call) {
    const { metadataLocation, metadata } = await commit(
      call,
      tableOfPath(call.params),
      changeOf(checkBody(commitBody, call.body)),
    )
    return { status: 200, body: { 'metadata-location': metadataLocation, metadata } }
  },
}

/** Several tables at once would have to change in one transaction of the store, which has none yet. */
export const commitTransaction: Operation = {
  method: 'POST',
  path: '/transactions/commit',
  async handle(call) {
    const [first, ...more] = checkBody(transactionBody, call.body)['table-changes']
    if (first === undefined || more.length > 0) {
      throw new AppError('invalid_request', 'A transaction can change one table only.', {
        hint: 'Commit to one table after the other.',
      })
    }
    await commit(call, identifierOf(first.identifier), changeOf(first))
    return done
  },
}

/** Who may import may append; everything else needs the full permission. */
async function commit(call: Call, table: IcebergName, change: TableChange): Promise<IcebergTable> {
  const { access, catalog, principal } = call
  const isFull = await access.may(principal, table.database, 'full')
  if (!isFull) await access.require(principal, table.database, 'import')
  return await catalog.commit(principal.accountId, table, change, isFull ? 'everything' : 'append')
}
