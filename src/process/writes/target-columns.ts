import { AppError } from '../../base/errors.ts'
import { columnNameProblem, requireColumnName, reservedColumnNames } from '../../base/names.ts'
import { assignFieldIds, firstFieldId, fixedColumns, isFixedColumn, queryColumns } from '../../store/columns.ts'
import type { QueryColumn } from '../../store/columns.ts'
import type { Column, Table } from '../../store/store.ts'
import type { PlannedColumn } from '../engines/duckdb/tasks.ts'
import { nearestName } from '../planning/nearest-name.ts'
import type { Pairing } from '../../store/assignment.ts'

/**
 * Pairs the columns of an answer with those of an existing table: in the order of the list where the statement has one, in the
 * order of the table for VALUES, and by name otherwise. By name, because columns come into a table by themselves, so that
 * a position means little.
 */
export function pairInsert(
  table: Table,
  answer: readonly PlannedColumn[],
  options: { readonly listed: readonly string[] | null; readonly isValues: boolean },
): Pairing[] {
  const known = queryColumns(table.columns)
  const names = options.listed ?? (options.isValues ? positions(known, answer.length) : answer.map(({ name }) => name))
  if (names.length !== answer.length) throw wrongCount(names.length, answer.length)
  const pairings = answer.map((source, index) => {
    const name = names[index] ?? ''
    return { column: columnNamed(table, known, name), source, index }
  })
  const twice = pairings.find(({ column }, index) => pairings.findIndex((of) => of.column === column) < index)
  if (twice !== undefined) throw namedTwice(twice.column.name)
  return pairings
}

/** VALUES without names fill the columns from the left; `time` may be left out, and those that Biwa adds are. */
function positions(known: readonly QueryColumn[], count: number): string[] {
  const own = known.filter(({ column }) => !isFixedColumn(column)).map(({ queryName }) => queryName)
  return count === own.length ? own : ['time', ...own]
}

function columnNamed(table: Table, known: readonly QueryColumn[], name: string): Column {
  const found = known.find(({ queryName }) => queryName.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found.column
  const names = known.map(({ queryName }) => queryName)
  const meant = nearestName(name, names)
  throw new AppError(
    'query_semantic',
    `The table "${table.database}.${table.name}" has no column ${JSON.stringify(name.slice(0, 300))}.`,
    {
      hint:
        meant === undefined
          ? 'Name the columns: INSERT INTO table (a, b) SELECT …, or give them names with AS.'
          : `Did you mean "${meant}"?`,
    },
  )
}

/** The columns of a new table after those of the answer. Fails with `invalid_name` where a name cannot be a column's. */
export function pairCreate(answer: readonly PlannedColumn[]): { columns: Column[]; pairings: Pairing[] } {
  requireDistinct(answer.map(({ name }) => name))
  const own = answer.filter(({ name }) => !reservedColumnNames.has(name.toLowerCase()))
  for (const { name } of own) if (columnNameProblem(name) !== undefined) throw unusable(name)
  const { columns } = assignFieldIds(own, firstFieldId)
  const pairings = answer.map((source, index) => {
    const all = [...fixedColumns, ...columns]
    const column = all.find(({ name }) => name.toLowerCase() === source.name.toLowerCase())
    if (column === undefined) throw new Error(`the column ${source.name} got no field id`)
    return { column, source, index }
  })
  return { columns, pairings }
}

function unusable(name: string): unknown {
  try {
    return requireColumnName(name)
  } catch (error) {
    return error
  }
}

function requireDistinct(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    const folded = name.toLowerCase()
    if (seen.has(folded)) throw namedTwice(name)
    seen.add(folded)
  }
}

function namedTwice(name: string): AppError {
  return new AppError('query_semantic', `The column ${JSON.stringify(name)} is there twice.`, {
    hint: 'Give each column of the query a name of its own, with AS.',
  })
}

function wrongCount(wanted: number, given: number): AppError {
  return new AppError('query_semantic', `The statement fills ${wanted} columns, and the query gives ${given}.`, {
    hint: 'List the columns: INSERT INTO table (a, b) SELECT …',
  })
}
