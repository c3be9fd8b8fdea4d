import { quotedText } from '../store/types.ts'
import type { PlannedColumn } from './engines/duckdb/tasks.ts'
import type { QueryOutput, QueryStatistics } from './process.ts'
import { noStatistics } from './plan-select.ts'
import type { QueryContext } from './query-context.ts'
import { storeResult } from './store-result.ts'

/** A small table that we know without reading data: columns by name, and rows of texts and numbers. */
export interface KnownRows {
  readonly columns: readonly { readonly name: string; readonly kind: 'varchar' | 'bigint' }[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/** Stores known rows as the result of the job, by the same way as the rows of a SELECT. */
export async function answerRows(
  context: QueryContext,
  statement: QueryOutput['statement'],
  known: KnownRows,
  statistics: QueryStatistics = noStatistics,
): Promise<QueryOutput> {
  const columns = known.columns.map(({ name, kind }): PlannedColumn => ({
    name,
    type: { kind },
    engineType: kind.toUpperCase(),
  }))
  const plan = { columns, scans: [], shortcut: null, isOnePass: true, dependsOnMoment: false, explained: [] }
  const select = { text: valuesText(known), offset: 0, standIns: [] }
  const planned = { select, plan, references: [], opened: [], scans: [], fromMetadata: false, planMs: 0 }
  const output = await storeResult(context, planned, statement)
  return { ...output, statistics: { ...statistics, runMs: output.statistics.runMs } }
}

/** SQL that is ours, with every value as a literal. */
function valuesText({ columns, rows }: KnownRows): string {
  const row = (cells: readonly string[]) =>
    `select ${cells.map((cell, index) => `${cell}::${columns[index]?.kind}`).join(', ')}`
  if (rows.length === 0) return `${row(columns.map(() => 'null'))} limit 0`
  const literals = rows.map((cells) =>
    cells.map((cell) => (typeof cell === 'number' ? String(cell) : quotedText(cell))),
  )
  const [first = [], ...more] = literals
  return [
    row(first),
    ...(more.length > 0 ? [`values ${more.map((cells) => `(${cells.join(', ')})`).join(', ')}`] : []),
  ].join(' union all ')
}
