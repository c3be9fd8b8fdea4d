import { AppError } from '../../../base/errors.ts'
import type { IcebergTable } from '../../../store/iceberg.ts'
import { withReferencedSnapshots } from '../../../store/iceberg.ts'
import { checkBody, createTableBody, databaseOfPath, fileConfig, pageOf, tableOfPath } from '../codec.ts'
import type { Answer, Call, Operation } from '../operation.ts'
import { done } from '../operation.ts'
import { requireSight } from '../sight.ts'

export const listTables: Operation = {
  method: 'GET',
  path: '/namespaces/{namespace}/tables',
  async handle(call) {
    const database = databaseOfPath(call.params)
    await requireSight(call, database)
    const tables = await call.store.listTables(call.principal.accountId, database)
    const { items, next } = pageOf(
      tables.map((table) => table.name),
      call.query,
    )
    const identifiers = items.map((name) => ({ namespace: [database], name }))
    return { status: 200, body: { identifiers, 'next-page-token': next } }
  },
}

export const loadTable: Operation = {
  method: 'GET',
  path: '/namespaces/{namespace}/tables/{table}',
  async handle(call) {
    const name = tableOfPath(call.params)
    await requireSight(call, name.database)
    return loaded(call, await call.catalog.load(call.principal.accountId, name))
  },
}

/** The table, or 304 where the client has it already. The tag differs with what of it was asked for. */
function loaded({ query, headers, address }: Call, table: IcebergTable): Answer {
  const isShort = query['snapshots'] === 'refs'
  const etag = `"${table.tag}${isShort ? '-refs' : ''}"`
  const known = String(headers['if-none-match'] ?? '').split(/\s*,\s*/)
  if (known.includes(etag) || known.includes(`W/${etag}`)) return { status: 304, headers: { etag } }
  const metadata = isShort ? withReferencedSnapshots(table.metadata) : table.metadata
  const body = { 'metadata-location': table.metadataLocation, metadata, config: fileConfig(address) }
  return { status: 200, headers: { etag }, body }
}

export const tableExists: Operation = {
  method: 'HEAD',
  path: '/namespaces/{namespace}/tables/{table}',
  async handle(call) {
    const { database, name } = tableOfPath(call.params)
    await requireSight(call, database)
    await call.store.table(call.principal.accountId, database, name)
    return done
  },
}

export const createTable: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/tables',
  async handle(call) {
    const { access, catalog, principal, params, body } = call
    const database = databaseOfPath(params)
    await access.require(principal, database, 'full')
    const { name, schema, properties, ...more } = checkBody(createTableBody, body)
    if (more['stage-create'] === true) {
      throw new AppError('invalid_request', 'Tables cannot be made together with their first rows.', {
        hint: 'Make the table, and then append to it.',
      })
    }
    const table = { database, name }
    await catalog.create(principal.accountId, table, { fields: schema.fields, properties: properties ?? {} })
    return loaded(call, await catalog.load(principal.accountId, table))
  },
}

/** Files go after the grace, whether the client asks to purge them or not. */
export const dropTable: Operation = {
  method: 'DELETE',
  path: '/namespaces/{namespace}/tables/{table}',
  async handle({ access, store, principal, params }) {
    const { database, name } = tableOfPath(params)
    await access.require(principal, database, 'full')
    await store.dropTable(principal.accountId, database, name)
    return done
  },
}

/** Reports of scans are taken and not kept: engines send one with every query. */
export const reportMetrics: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/tables/{table}/metrics',
  async handle(call) {
    await requireSight(call, databaseOfPath(call.params))
    return done
  },
}
