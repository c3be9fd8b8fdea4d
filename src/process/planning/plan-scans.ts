import type { EngineTable, PlannedScan } from '../engines/duckdb/tasks.ts'
import type { PlanNode } from './time-filters.ts'
import { isPlanNode, nodesOf, timesOfFilter } from './time-filters.ts'
import type { TimeSet } from './time-ranges.ts'
import { always, intersection, never, union } from './time-ranges.ts'

/** What one place of the plan reads of a table. */
export interface ScanSite {
  readonly database: string
  readonly table: string
  readonly columns: readonly string[]
  readonly times: TimeSet
}

/** The scans of a plan that DuckDB serialised; undefined where the plan is not understood. */
export function scanSites(plan: unknown): readonly ScanSite[] | undefined {
  const sites: ScanSite[] = []
  const stack: unknown[] = [plan]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (Array.isArray(node)) stack.push(...(node as unknown[]).filter((item) => item !== undefined))
    if (!isPlanNode(node)) continue
    if (node['type'] === 'LOGICAL_GET' && node['name'] === 'seq_scan') {
      const site = scanSite(node)
      if (site === undefined) return undefined
      sites.push(site)
    }
    for (const value of Object.values(node)) if (typeof value === 'object' && value !== null) stack.push(value)
  }
  return sites
}

function scanSite(get: PlanNode): ScanSite | undefined {
  const {
    function_data: source,
    table_filters: filters,
    names,
    column_indexes: indexes,
  } = get as Record<string, unknown>
  if (!isPlanNode(source) || !isPlanNode(filters) || !Array.isArray(names) || !Array.isArray(indexes)) return undefined
  const { schema, table } = source as { schema?: unknown; table?: unknown }
  if (typeof schema !== 'string' || typeof table !== 'string') return undefined
  const time = names.indexOf('time')
  const onTime = nodesOf(filters['filters']).filter((filter) => filter['key'] === time)
  return {
    database: schema,
    table,
    columns: nodesOf(indexes).flatMap(({ index }) => columnName(names, index)),
    times: onTime.map((filter) => timesOfFilter(filter['value'])).reduce(intersection, always),
  }
}

/** The row's number, which count(*) reads, is 2⁶⁴ − 1 and has no name. */
function columnName(names: readonly unknown[], index: unknown): string[] {
  const name = typeof index === 'number' ? names[index] : undefined
  return typeof name === 'string' ? [name] : []
}

/**
 * One scan for each table. A table that the optimiser left out of the plan altogether has no part in the answer, if the
 * plan was understood; otherwise everything of every table is taken to be read.
 */
export function plannedScans(tables: readonly EngineTable[], sites: readonly ScanSite[] | undefined): PlannedScan[] {
  return tables.map(({ database, name, columns }) => {
    const names = columns.map((column) => column.queryName)
    if (sites === undefined) return { database, table: name, columns: names, ranges: always }
    const own = sites.filter((site) => site.database === database && site.table === name)
    const read = new Set(own.flatMap((site) => site.columns))
    return {
      database,
      table: name,
      columns: names.filter((column) => read.has(column)),
      ranges: own.length === 0 ? never : union(own.map((site) => site.times)),
    }
  })
}
