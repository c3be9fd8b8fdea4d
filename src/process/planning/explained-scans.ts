import { timeColumn } from '../../store/columns.ts'
import type { ChunkCondition } from '../../store/conditions.ts'
import { allOf, anything } from '../../store/conditions.ts'
import type { EngineTable } from '../engines/duckdb/tasks.ts'
import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'
import type { ScanSite } from './plan-scans.ts'

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
    condition: plainTimes(textsOf(info['Filters']), table),
    notUnderstood: [],
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
function plainTimes(filters: readonly string[], table: EngineTable): ChunkCondition {
  if (table.columns.some(({ queryName }) => /^time\W/.test(queryName))) return anything
  const plain = filters.filter((filter) => plainFilter.test(filter))
  const comparisons = plain.flatMap((filter) => [...filter.matchAll(new RegExp(comparison, 'g'))])
  return allOf(comparisons.map((match) => compared(match[1] ?? '', Number(match[2]))))
}

function compared(operator: string, seconds: number): ChunkCondition {
  const low = operator.startsWith('<') ? null : String(operator === '>' ? seconds + 1 : seconds)
  const high = operator.startsWith('>') ? null : String(operator === '<' ? seconds - 1 : seconds)
  return { kind: 'within', fieldId: timeColumn.fieldId, low, high }
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
}
