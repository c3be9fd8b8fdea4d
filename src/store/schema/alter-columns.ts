import { AppError, must } from '../../base/errors.ts'
import { requireColumnName } from '../../base/names.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { requireLease } from '../require-lease.ts'
import { requireTables, tableOf } from '../catalog.ts'
import type { ChunkTotals } from '../chunks.sql.ts'
import { columnsMax, fieldIdCount, isFixedColumn, queryColumns, tooManyColumns } from '../columns.ts'
import { advanceTable, insertAppliedIds } from '../commit.sql.ts'
import { lockNamed } from '../operations/hold-tables.ts'
import type { Column, ColumnChange, Once, SchemaChange, Table, TableName } from '../store.ts'
import { formatType, parseType } from '../types.ts'
import {
  changeClusterColumn,
  closeColumn,
  insertColumnVersion,
  markRestating,
  selectColumnVersions,
} from './alter.sql.ts'
import { schemaChanges } from './changes.ts'

export interface Alteration {
  readonly accountId: number
  readonly name: TableName
  /** Made one after the other. */
  readonly changes: readonly ColumnChange[]
  readonly once?: Once | undefined
}

/**
 * Changes the columns of a table in one transaction. Files that are written for the columns of before are refused from then
 * on, and those that are there are read by what the change makes of them.
 */
export async function alterColumns(postgres: Postgres, { accountId, name, changes, once }: Alteration): Promise<void> {
  await postgres.transaction(async (tx) => {
    const locked = await lockNamed(tx, accountId, name)
    await requireLease(tx, once?.fence)
    const at = { accountId, tableId: locked.id, snapshot: locked.snapshot + 1 }
    if (once !== undefined) {
      const ids = await insertAppliedIds(tx, at, [{ uniqueId: once.uniqueId, rows: 0, quarantined: 0 }])
      if (ids.length === 0) return
    }
    const cause = once?.uniqueId ?? 'alter'
    let altered = 0
    for (const change of changes) {
      const [row] = await requireTables(tx, accountId, [name])
      const nextFieldId = await applyChange(tx, tableOf(must(row, 'the table is held')), change)
      if (nextFieldId === undefined) continue
      const step = { ...at, snapshot: at.snapshot + altered, nextFieldId }
      await advanceTable(tx, { ...step, operation: 'alter', cause, added: nothing, removed: nothing })
      altered += 1
    }
    if (altered > 0) await markRestating(tx, at)
  })
}

const nothing: ChunkTotals = { chunks: 0, realtimeChunks: 0, rows: 0, bytes: 0, time_from: null, time_to: null }

/** The table's next field id; undefined where there was nothing to change. */
async function applyChange(tx: Queryable, table: Table, change: ColumnChange): Promise<number | undefined> {
  switch (change.kind) {
    case 'add_column':
      return await addColumn(tx, table, change)
    case 'drop_column':
      return await dropColumn(tx, table, change)
    case 'rename_column':
      return await renameColumn(tx, table, change)
    case 'change_type':
      return await changeType(tx, table, change)
  }
}

async function addColumn(
  tx: Queryable,
  table: Table,
  { name, type, ifNotExists = false }: ColumnChange & { kind: 'add_column' },
): Promise<number | undefined> {
  requireColumnName(name)
  const existing = columnOfName(table, name)
  if (existing !== undefined && ifNotExists) return undefined
  requireFreeName(table, existing)
  const own = table.columns.filter((column) => !isFixedColumn(column)).length
  if (own >= columnsMax) throw tooManyColumns(`${table.database}.${table.name}`, own + 1)
  const fieldId = table.nextFieldId
  const added = { fieldId, name, type: formatType(type), placeOf: fieldId, replaces: null, restores: true }
  await insertColumnVersion(tx, keyOf(table), { ...added, addedVersion: table.schemaVersion + 1 })
  return fieldId + fieldIdCount(type)
}

async function dropColumn(
  tx: Queryable,
  table: Table,
  { name, ifExists = false }: ColumnChange & { kind: 'drop_column' },
): Promise<number | undefined> {
  if (ifExists && columnOfName(table, name) === undefined) return undefined
  const { fieldId } = requireOwnColumn(table, name)
  await closeColumn(tx, keyOf(table), { fieldId, removedVersion: table.schemaVersion + 1 })
  await changeClusterColumn(tx, keyOf(table), { from: fieldId, to: null })
  return table.nextFieldId
}

async function renameColumn(
  tx: Queryable,
  table: Table,
  { name, to }: ColumnChange & { kind: 'rename_column' },
): Promise<number | undefined> {
  const column = requireOwnColumn(table, name)
  requireColumnName(to)
  if (column.name === to) return undefined
  const taken = columnOfName(table, to)
  requireFreeName(table, taken?.fieldId === column.fieldId ? undefined : taken)
  const { fieldId } = column
  const version = table.schemaVersion + 1
  await closeColumn(tx, keyOf(table), { fieldId, removedVersion: version })
  const renamed = { fieldId, name: to, type: formatType(column.type), placeOf: fieldId }
  await insertColumnVersion(tx, keyOf(table), { ...renamed, addedVersion: version, replaces: null, restores: false })
  return table.nextFieldId
}

async function changeType(
  tx: Queryable,
  table: Table,
  { name, type }: ColumnChange & { kind: 'change_type' },
): Promise<number | undefined> {
  const column = requireOwnColumn(table, name)
  if (formatType(column.type) === formatType(type)) return undefined
  const version = table.schemaVersion + 1
  const fieldId = table.nextFieldId
  await closeColumn(tx, keyOf(table), { fieldId: column.fieldId, removedVersion: version })
  await insertColumnVersion(tx, keyOf(table), {
    fieldId,
    name: column.name,
    type: formatType(type),
    addedVersion: version,
    placeOf: column.fieldId,
    replaces: column.fieldId,
    restores: false,
  })
  await changeClusterColumn(tx, keyOf(table), { from: column.fieldId, to: fieldId })
  return fieldId + fieldIdCount(type)
}

const keyOf = ({ accountId, id }: Table) => ({ accountId, tableId: id })

/** By its exact name, or else as SQL finds it, without regard to upper and lower case. */
function columnOfName(table: Table, name: string): Column | undefined {
  const exact = table.columns.find((column) => column.name === name)
  if (exact !== undefined) return exact
  const folded = name.toLowerCase()
  return queryColumns(table.columns).find(({ queryName }) => queryName.toLowerCase() === folded)?.column
}

function requireOwnColumn(table: Table, name: string): Column {
  const column = columnOfName(table, name)
  if (column === undefined) {
    throw new AppError('column_not_found', `The table ${shown(table)} has no column ${JSON.stringify(name)}.`, {
      hint: 'DESCRIBE table lists those it has.',
    })
  }
  if (!isFixedColumn(column)) return column
  throw new AppError('invalid_request', `The column "${column.name}" cannot be changed: every table has it by itself.`)
}

function requireFreeName(table: Table, taken: Column | undefined): void {
  if (taken === undefined) return
  throw new AppError(
    'already_exists',
    `The table ${shown(table)} has a column ${JSON.stringify(taken.name)} already.`,
    {
      hint: 'Names of columns differ by more than upper and lower case. Choose another name.',
    },
  )
}

const shown = ({ database, name }: Table) => JSON.stringify(`${database}.${name}`)

/** What happened to the columns of a table, up to its version. */
export async function changesOf(db: Queryable, table: Table): Promise<SchemaChange[]> {
  if (table.restatedVersion <= 1) return []
  const rows = await selectColumnVersions(db, keyOf(table))
  const versions = rows.map((row) => ({
    fieldId: row.field_id,
    name: row.name,
    type: parseType(row.type),
    addedVersion: row.added_version,
    removedVersion: row.removed_version,
    replaces: row.replaces,
    restores: row.restores,
  }))
  return schemaChanges(versions, table.schemaVersion)
}
