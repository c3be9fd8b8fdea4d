import { AppError } from '../../base/errors.ts'
import { reservedColumnNames } from '../../base/names.ts'
import type { Assignment, Pairing } from '../../store/assignment.ts'
import { assignments } from '../../store/assignment.ts'
import { assignFieldIds, columnsOfNewTable, fixedColumns, queryColumns } from '../../store/columns.ts'
import type { Column, Commit, Table } from '../../store/store.ts'
import { duckdbFileType } from '../../store/types.ts'
import type { Delivery } from '../deliver.ts'
import type { StoredColumn } from '../stored-result.ts'

/** Where the columns of a result go: into those of their names, and where there are none, into new ones. */
export interface ExportColumns {
  readonly target: Commit['target']
  readonly assigned: readonly Assignment[]
}

export function columnsOfTable(table: Table, result: readonly StoredColumn[], defaultTime: number): ExportColumns {
  requireDistinct(result)
  const known = queryColumns(table.columns)
  const find = (name: string) => known.find(({ queryName }) => queryName.toLowerCase() === name.toLowerCase())?.column
  const wanted = result.filter(({ name }) => find(name) === undefined)
  if (wanted.length > 0 && table.settings.schemaMode !== 'evolve') throw frozen(table, wanted)
  const { columns: added } = assignFieldIds(wanted, table.nextFieldId)
  return {
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: added },
    assigned: assignedBy(result, (name) => find(name) ?? added.find((column) => column.name === name), defaultTime),
  }
}

export function columnsToMake(
  databaseId: number,
  { database, table }: Delivery,
  result: readonly StoredColumn[],
  defaultTime: number,
): ExportColumns {
  requireDistinct(result)
  const own = result.filter(({ name }) => !reservedColumnNames.has(name.toLowerCase()))
  const { columns } = columnsOfNewTable(`${database}.${table}`, own)
  const all = [...fixedColumns, ...columns]
  return {
    target: { create: { databaseId, name: table, columns } },
    assigned: assignedBy(result, (name) => all.find((of) => of.name.toLowerCase() === name.toLowerCase()), defaultTime),
  }
}

function assignedBy(
  result: readonly StoredColumn[],
  columnOf: (name: string) => Column | undefined,
  defaultTime: number,
): Assignment[] {
  const pairings = result.flatMap(({ name, type }, index): Pairing[] => {
    const column = columnOf(name)
    return column === undefined ? [] : [{ column, source: { name, type, engineType: duckdbFileType(type) }, index }]
  })
  return assignments(pairings, defaultTime)
}

function requireDistinct(result: readonly StoredColumn[]): void {
  const names = result.map(({ name }) => name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice === undefined) return
  throw new AppError('query_semantic', `The result has the column ${JSON.stringify(twice)} twice.`, {
    hint: 'Give each column of the query a name of its own, with AS.',
  })
}

function frozen({ database, name }: Table, [column]: readonly StoredColumn[]): AppError {
  return new AppError(
    'query_semantic',
    `The table "${database}.${name}" takes no new column ${JSON.stringify(column?.name)}.`,
    {
      hint: 'Leave it out of the query, or add it with ALTER TABLE.',
    },
  )
}
