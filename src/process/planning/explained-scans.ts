import type { EngineTable } from '../engines/duckdb/tasks.ts'
import type { ScanSite } from './plan-scans.ts'
import type { PlanNode } from './time-filters.ts'
import { isPlanNode, nodesOf } from './time-filters.ts'
import type { TimeSet } from './time-ranges.ts'
import { always, intersection } from './time-ranges.ts'

/**
 * The scans of a plan as `EXPLAIN (FORMAT JSON)` prints it: the way out where DuckDB cannot serialise a plan. Names are not
 * quoted there, so that only the plainest filters are believed. Undefined where the plan is not understood.
 */
export function explainedSites(plan: unknown, tables: readonly EngineTable[]): readonly ScanSite[] | undefined {
  const sites: ScanSite[] = []
  const stack = [...nodesOf(plan)]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    stack.push(...nodesOf(node['children']))
    if (node['name'] !== 'SEQ_SCAN') continue
    const site = explainedSite(node['extra_info'], tables)
    if (site === undefined) return undefined
    sites.push(site)
  }
  return sites
}

function explainedSite(info: unknown, tables: readonly EngineTable[]): ScanSite | undefined {
  if (!isPlanNode(info)) return undefined
  const path = String(info['Table'])
  const table = tables.find(({ database, name }) => path === `memory.${database}.${name}`)
  if (table === undefined) return undefined
  return {
    database: table.database,
    table: table.name,
    columns: projected(info, table),
    times: plainTimes(textsOf(info['Filters']), table),
  }
}

function projected(info: PlanNode, table: EngineTable): string[] {
  const shown = new Set(textsOf(info['Projections']))
  const filtered = textsOf(info['Filters'])
  const isRead = (name: string) => shown.has(name) || filtered.some((filter) => filter.includes(name))
  return table.columns.map((column) => column.queryName).filter(isRead)
}

const comparison = String.raw`time(>=|<=|=|>|<)(-?\d{1,15})`
const plainFilter = new RegExp(`^${comparison}(?: AND ${comparison})*$`)

/** A column that is called like a comparison could pass for one. */
function plainTimes(filters: readonly string[], table: EngineTable): TimeSet {
  if (table.columns.some(({ queryName }) => /^time\W/.test(queryName))) return always
  const plain = filters.filter((filter) => plainFilter.test(filter))
  const comparisons = plain.flatMap((filter) => [...filter.matchAll(new RegExp(comparison, 'g'))])
  return comparisons.map((match) => timesOf(match[1] ?? '', Number(match[2]))).reduce(intersection, always)
}

function timesOf(operator: string, seconds: number): TimeSet {
  const from = operator.startsWith('<') ? Number.NEGATIVE_INFINITY : operator === '>' ? seconds + 1 : seconds
  const to = operator.startsWith('>') ? Number.POSITIVE_INFINITY : operator === '<' ? seconds : seconds + 1
  return [{ from, to }]
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
}
