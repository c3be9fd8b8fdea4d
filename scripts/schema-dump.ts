import type { Queryable } from '../src/base/postgres/postgres.ts'
import type { DumpedColumn, DumpedPart } from './schema-dump.sql.ts'
import {
  dumpColumns,
  dumpConstraints,
  dumpExtensions,
  dumpFunctions,
  dumpIndexes,
  dumpSequences,
  dumpTriggers,
} from './schema-dump.sql.ts'

/** The whole schema of a database as SQL for people, in an order that does not depend on its history. */
export async function dumpSchema(postgres: Queryable): Promise<string> {
  const columns = await dumpColumns(postgres)
  const constraints = await dumpConstraints(postgres)
  const indexes = await dumpIndexes(postgres)
  const triggers = await dumpTriggers(postgres)
  const tables = [...new Set(columns.map(({ table }) => table))].map((table) => {
    const of = <Part extends { table: string }>(parts: readonly Part[]): Part[] =>
      parts.filter((part) => part.table === table)
    return renderTable(table, of(columns), of(constraints), [...of(indexes), ...of(triggers)])
  })
  return [
    '-- The schema that all migrations together make. Written by `npm run schema`; a test fails when it is out of date.',
    ...(await dumpExtensions(postgres)).map(({ name }) => `create extension ${name};`),
    ...(await dumpSequences(postgres)).map(({ name, type }) => `create sequence ${name} as ${type};`),
    ...(await dumpFunctions(postgres)).map(({ definition }) => `${definition.trim()};`),
    ...tables,
  ]
    .join('\n\n')
    .concat('\n')
}

function renderTable(
  table: string,
  columns: readonly DumpedColumn[],
  constraints: readonly DumpedPart[],
  others: readonly DumpedPart[],
): string {
  const width = Math.max(...columns.map(({ name }) => name.length))
  const lines = [
    ...columns.map((column) => renderColumn(column, width)),
    ...constraints.map(({ definition }) => definition),
  ]
  const create = `create table ${table} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n);`
  return [create, ...others.map(({ definition }) => `${definition};`)].join('\n')
}

function renderColumn(column: DumpedColumn, width: number): string {
  const parts = [column.name.padEnd(width), column.type]
  if (column.notNull) parts.push('not null')
  if (column.identity !== null) parts.push(`generated ${column.identity} as identity`)
  if (column.fallback !== null) parts.push(`default ${column.fallback}`)
  return parts.join(' ')
}
