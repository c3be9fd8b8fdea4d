import type { ChunkCondition } from '../../store/conditions.ts'
import { allOf, anyOf, anything, isAnything } from '../../store/conditions.ts'
import type { Column } from '../../store/store.ts'
import type { EngineTable, PlannedScan } from '../engines/duckdb/tasks.ts'
import { conditionOfExpression, conditionOfFilter } from './plan-filters.ts'
import { expressionText, filterText } from './plan-text.ts'
import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'
import { always, besidesTime, timesOf } from './time-ranges.ts'

/** What one place of the plan reads of a table. */
export interface ScanSite {
  readonly database: string
  readonly table: string
  readonly columns: readonly string[]
  readonly condition: ChunkCondition
  /** Filters of which nothing was understood, as text. */
  readonly notUnderstood: readonly string[]
}

/** The scans of a plan that DuckDB serialised; undefined where the plan is not understood. */
export function scanSites(plan: unknown, tables: readonly EngineTable[]): readonly ScanSite[] | undefined {
  const sites: ScanSite[] = []
  const stack: { node: unknown; above: PlanNode | undefined }[] = [{ node: plan, above: undefined }]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, above } = next
    if (Array.isArray(node)) stack.push(...node.map((item: unknown) => ({ node: item, above })))
    if (!isPlanNode(node)) continue
    if (node['type'] === 'LOGICAL_GET' && node['name'] === 'seq_scan') {
      const site = scanSite(node, above, tables)
      if (site === undefined) return undefined
      sites.push(site)
    }
    const filter = node['type'] === 'LOGICAL_FILTER' ? node : undefined
    for (const value of Object.values(node)) {
      if (typeof value === 'object' && value !== null) stack.push({ node: value, above: filter })
    }
  }
  return sites
}

/** `above` is the filter right above the scan, which has what DuckDB cannot push into it: conditions on several columns. */
function scanSite(get: PlanNode, above: PlanNode | undefined, tables: readonly EngineTable[]): ScanSite | undefined {
  const scan = readScan(get, tables)
  if (scan === undefined) return undefined
  const { table, names, read, filters } = scan
  const known = [
    ...filters.map(({ key, value }) => {
      const column = typeof key === 'number' ? columnAt(scan, key) : undefined
      if (column === undefined) return { condition: anything, text: '' }
      return { condition: conditionOfFilter(value, column), text: filterText(value, column.name) }
    }),
    ...nodesOf(above?.['expressions']).map((expression) => ({
      condition: conditionOfExpression(expression, (index) => columnAt(scan, scan.outputs[index])),
      text: expressionText(expression, (index) => String(names[scan.outputs[index] ?? -1])),
    })),
  ]
  return {
    database: table.database,
    table: table.name,
    columns: read.flatMap((index) => (typeof names[index] === 'string' ? [names[index]] : [])),
    condition: allOf(known.map(({ condition }) => condition)),
    notUnderstood: known.filter(({ condition, text }) => isAnything(condition) && text !== '').map(({ text }) => text),
  }
}

/** A scan as the plan has it; its columns are counted as in the table. */
export interface ReadScan {
  readonly table: EngineTable
  readonly names: readonly unknown[]
  readonly read: readonly number[]
  /** What goes on to the node above, by its place there. */
  readonly outputs: readonly number[]
  readonly filters: readonly PlanNode[]
}

export function readScan(get: PlanNode, tables: readonly EngineTable[]): ReadScan | undefined {
  const {
    function_data: source,
    table_filters: filters,
    names,
    column_indexes: indexes,
    projection_ids: projected,
  } = get as Record<string, unknown>
  if (!isPlanNode(source) || !isPlanNode(filters) || !Array.isArray(names) || !Array.isArray(indexes)) return undefined
  const table = tables.find(({ database, name }) => source['schema'] === database && source['table'] === name)
  if (table === undefined) return undefined
  // The row's number, which count(*) reads, is 2⁶⁴ − 1 and no column.
  const read = nodesOf(indexes).map(({ index }) => (typeof index === 'number' ? index : -1))
  const places = Array.isArray(projected) && projected.length > 0 ? projected.map(Number) : read.keys()
  const outputs = Array.from(places, (place) => read[place] ?? -1)
  return { table, names: names as unknown[], read, outputs, filters: nodesOf(filters['filters']) }
}

/** By the column's place in the table. */
export function columnAt({ table, names }: ReadScan, index: number | undefined): Column | undefined {
  const name = index === undefined ? undefined : names[index]
  return table.columns.find(({ queryName }) => queryName === name)?.column
}

/**
 * One scan for each table. A table that the optimiser left out of the plan altogether has no part in the answer, if the
 * plan was understood; otherwise everything of every table is taken to be read.
 */
export function plannedScans(tables: readonly EngineTable[], sites: readonly ScanSite[] | undefined): PlannedScan[] {
  return tables.map(({ database, name, columns }) => {
    const names = columns.map((column) => column.queryName)
    const table = { database, table: name }
    if (sites === undefined) return { ...table, columns: names, ranges: always, condition: anything, notUnderstood: [] }
    const own = sites.filter((site) => site.database === database && site.table === name)
    const read = new Set(own.flatMap((site) => site.columns))
    const condition = anyOf(own.map((site) => site.condition))
    return {
      ...table,
      columns: names.filter((column) => read.has(column)),
      ranges: timesOf(condition),
      condition: besidesTime(condition),
      notUnderstood: [...new Set(own.flatMap((site) => site.notUnderstood))],
    }
  })
}
