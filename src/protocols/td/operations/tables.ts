import { AppError } from '../../../base/errors.ts'
import type { Table, TableName } from '../../../store/store.ts'
import { dateText, requireTdName, schemaText } from '../codec.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { param, requireSight, tableOfPath } from '../sight.ts'

const listTables = operation('GET', '/table/list/{database}', async (call) => {
  const database = param(call, 'database')
  await requireSight(call, database)
  const tables = await call.store.listTables(call.principal.accountId, database)
  return { body: { database, tables: await tablesJson(call, tables) } }
})

const showTable = operation('GET', '/table/show/{database}/{table}', async (call) => {
  const { database, name } = tableOfPath(call)
  await requireSight(call, database)
  const table = await call.store.table(call.principal.accountId, database, name)
  return { body: (await tablesJson(call, [table]))[0] ?? {} }
})

async function tablesJson({ store, principal }: Call, tables: readonly Table[]): Promise<object[]> {
  const ids = tables.map(({ id }) => id)
  const newest = await store.newestTimes(principal.accountId, ids)
  return tables.map((table) => tableJson(table, newest.get(table.id)))
}

function tableJson(table: Table, newestTime: number | undefined): object {
  return {
    id: table.id,
    name: table.name,
    type: 'log',
    count: table.rows,
    created_at: dateText(table.createdAt),
    updated_at: dateText(table.updatedAt),
    counter_updated_at: table.snapshot === 0 ? null : dateText(table.updatedAt),
    last_log_timestamp: newestTime === undefined ? null : dateText(momentOf(newestTime)),
    delete_protected: false,
    estimated_storage_size: table.bytes,
    schema: schemaText(table.columns),
    expire_days: table.settings.expireDays,
    primary_key: null,
    primary_key_type: null,
  }
}

/** Unix seconds as a date; what lies beyond the years that clients read is the last second of them. */
function momentOf(seconds: number): Date {
  const lastOfAll = Date.UTC(9999, 11, 31, 23, 59, 59)
  return new Date(Math.max(0, Math.min(seconds * 1000, lastOfAll)))
}

const createTable = operation('POST', '/table/create/{database}/{table}/{type}', async (call) => {
  const { database, name } = tableOfPath(call)
  const type = param(call, 'type')
  requireTdName('table', name)
  if (type !== 'log') {
    throw new AppError('unsupported_format', `Tables of the type ${JSON.stringify(type)} are not made.`, {
      hint: 'Use the type log.',
    })
  }
  await requireFull(call, database)
  const key = call.form['idempotent_key']
  const options = key === undefined || key === '' ? {} : { once: { uniqueId: `create:${key}` } }
  await call.store.createTable(call.principal.accountId, database, name, options)
  return { body: { database, table: name, type } }
})

const deleteTable = operation('POST', '/table/delete/{database}/{table}', async (call) => {
  const { database, name } = tableOfPath(call)
  await requireFull(call, database)
  await call.store.dropTable(call.principal.accountId, database, name)
  return { body: { database, table: name, type: 'log' } }
})

const swapTables = operation('POST', '/table/swap/{database}/{table}/{other}', async (call) => {
  const table = tableOfPath(call)
  const other = { database: table.database, name: param(call, 'other') }
  await requireFull(call, table.database)
  await call.store.swapTables(call.principal.accountId, table, other)
  return { body: { database: table.database, table1: table.name, table2: other.name } }
})

const renameTable = operation('POST', '/table/rename/{database}/{table}/{to}', async (call) => {
  const table = tableOfPath(call)
  const to = { database: table.database, name: requireTdName('table', param(call, 'to')) }
  await requireFull(call, table.database)
  if (call.form['overwrite'] === 'true') await call.store.replaceTable(call.principal.accountId, table, to)
  else await call.store.renameTable(call.principal.accountId, table, to)
  return { body: { database: to.database, table: to.name, type: 'log' } }
})

const changeDatabase = operation('POST', '/table/change_database/{database}/{table}', async (call) => {
  const table = tableOfPath(call)
  const database = call.form['dest_database_name']
  if (database === undefined || database === '') {
    throw new AppError('invalid_request', 'The parameter `dest_database_name` is missing.', {
      hint: 'Name the database into which the table moves.',
    })
  }
  await requireFull(call, table.database)
  await requireFull(call, database)
  await call.store.renameTable(call.principal.accountId, table, { database, name: table.name })
  return { body: { database, table: table.name, type: 'log' } }
})

/** `include_v` decides what a query for all columns shows in Treasure Data; here there is no column `v` to show or to hide. */
const updateTable = operation('POST', '/table/update/{database}/{table}', async (call) => {
  const table = tableOfPath(call)
  await requireFull(call, table.database)
  const expireDays = call.form['expire_days']
  if (expireDays === undefined) await call.store.table(call.principal.accountId, table.database, table.name)
  else await call.store.setProperties(call.principal.accountId, table, { expireDays: daysOf(expireDays) })
  return { body: { database: table.database, table: table.name, type: 'log' } }
})

/** No days, or none of them, is for ever. */
function daysOf(text: string): number | null {
  if (/^0*$/.test(text)) return null
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new AppError('invalid_request', `The parameter \`expire_days\` is no number: ${JSON.stringify(text)}.`, {
    hint: 'Give a number of days, or 0 to keep the rows for ever.',
  })
}

/** Tables have no user-defined partitioning, and clients know by the 404 that this one has none. */
const showDistribution = operation('GET', '/table/distribution/{database}/{table}', async (call) => {
  const { database, name } = tableOfPath(call)
  await requireSight(call, database)
  await call.store.table(call.principal.accountId, database, name)
  throw new AppError('table_not_found', `The table "${database}.${name}" has no user-defined partitioning.`, {
    hint: 'Its rows are sorted by the columns of `biwa table cluster`.',
  })
})

/** For what changes tables. That the database is there is found by the store. */
async function requireFull({ access, principal }: Call, database: TableName['database']): Promise<void> {
  await access.require(principal, database, 'full')
}

export const tableOperations: readonly Operation[] = [
  listTables,
  showTable,
  createTable,
  deleteTable,
  swapTables,
  renameTable,
  changeDatabase,
  updateTable,
  showDistribution,
]
