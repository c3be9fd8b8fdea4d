import { isFixedColumn } from '../../../store/columns.ts'
import type { ColumnChange, Table, TableName } from '../../../store/store.ts'
import { formatType } from '../../../store/types.ts'
import { readSchema, tdType } from '../codec.ts'
import type { WantedColumn } from '../codec.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { tableOfPath } from '../sight.ts'

/** The schema becomes the one that is sent: columns that are not in it are dropped, and others get the type that is sent. */
const updateSchema = operation('POST', '/table/update-schema/{database}/{table}', async (call) => {
  const name = tableOfPath(call)
  const table = await requireTable(call, name)
  const ignoreDuplicates = call.form['ignore_duplicate_schema'] === 'true'
  const wanted = readSchema(sentSchema(call), { ignoreDuplicates })
  const kept = new Set(wanted.map((column) => column.name))
  const going = ownColumns(table).filter((column) => !kept.has(column.name))
  await call.store.alterColumns(call.principal.accountId, name, [
    ...going.map(({ name: column }) => ({ kind: 'drop_column', name: column, ifExists: true }) as const),
    ...changesFor(table, wanted),
  ])
  return { body: { database: name.database, table: name.name, type: 'log' } }
})

/** Columns are added; those that are there already stay as they are. */
const appendSchema = operation('POST', '/table/append-schema/{database}/{table}', async (call) => {
  const name = tableOfPath(call)
  const table = await requireTable(call, name)
  const there = new Set(ownColumns(table).map((column) => column.name))
  const wanted = readSchema(sentSchema(call), { ignoreDuplicates: true })
  const missing = wanted.filter((column) => !there.has(column.name))
  await call.store.alterColumns(call.principal.accountId, name, changesFor(table, missing))
  return { body: { database: name.database, table: name.name, type: 'log' } }
})

/** As a parameter, or the whole of a body: the client for Node sends what its caller gives it. */
function sentSchema({ form, json }: Call): unknown {
  return form['schema'] ?? json
}

async function requireTable({ access, store, principal }: Call, { database, name }: TableName): Promise<Table> {
  await access.require(principal, database, 'full')
  return await store.table(principal.accountId, database, name)
}

function ownColumns(table: Table) {
  return table.columns.filter((column) => !isFixedColumn(column))
}

/** A type of ours that Treasure Data has no word for stays where the client names the word that it was shown. */
function changesFor(table: Table, wanted: readonly WantedColumn[]): ColumnChange[] {
  const existing = new Map(ownColumns(table).map((column) => [column.name, column.type]))
  return wanted.flatMap(({ name, type }): ColumnChange[] => {
    const current = existing.get(name)
    if (current === undefined) return [{ kind: 'add_column', name, type }]
    if (formatType(current) === formatType(type) || tdType(current) === tdType(type)) return []
    return [{ kind: 'change_type', name, type }]
  })
}

export const schemaOperations: readonly Operation[] = [updateSchema, appendSchema]
