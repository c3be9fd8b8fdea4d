import { timeColumn } from '../../store/columns.ts'
import type { SummaryItem } from '../../store/conditions.ts'
import type { EngineTable, Shortcut } from '../engines/duckdb/tasks.ts'
import { constantOf } from './plan-constants.ts'
import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'
import type { ReadScan } from './plan-scans.ts'
import { columnAt, readScan } from './plan-scans.ts'

/**
 * Plans that need fewer files than they scan, or none: counts and bounds of one table, and some rows of one. All rows of the
 * times that the scan reads must count, so that the only filter may be one on `time`, and exactly understood.
 */
export function shortcutOf(plans: unknown, tables: readonly EngineTable[]): Shortcut | null {
  const [top, ...others] = nodesOf(plans)
  if (top === undefined || others.length > 0) return null
  return top['type'] === 'LOGICAL_LIMIT' ? someRows(top, tables) : summary(top, tables)
}

function someRows(limit: PlanNode, tables: readonly EngineTable[]): Shortcut | null {
  const [rows, offset] = [rowsOf(limit['limit_val']), rowsOf(limit['offset_val'])]
  let node = onlyChild(limit)
  while (node?.['type'] === 'LOGICAL_PROJECTION') node = onlyChild(node)
  if (node === undefined || rows === undefined || offset === undefined) return null
  return wholeScan(node, tables) === undefined ? null : { kind: 'some_rows', rows: rows + offset }
}

/** An offset that is not there is 0; a limit is. */
function rowsOf(value: unknown): number | undefined {
  if (!isPlanNode(value)) return undefined
  if (value['type'] === 'UNSET') return 0
  const rows = value['constant_integer']
  return value['type'] === 'CONSTANT_VALUE' && Number.isSafeInteger(rows) ? Number(rows) : undefined
}

function summary(top: PlanNode, tables: readonly EngineTable[]): Shortcut | null {
  const projected = throughProjections(top)
  const aggregate = projected?.node
  if (aggregate?.['type'] !== 'LOGICAL_AGGREGATE_AND_GROUP_BY' || projected === undefined) return null
  const below = onlyChild(aggregate)
  const source = below && throughProjections(below)
  const scan = source && wholeScan(source.node, tables)
  const isGrouped = nodesOf(aggregate['groups']).length > 0 || !isEmptyList(aggregate['grouping_functions'])
  if (scan === undefined || isGrouped) return null
  const expressions = nodesOf(aggregate['expressions'])
  const places = projected.places ?? [...expressions.keys()]
  const items = places.map((place) => summaryItem(expressions[place], scan, source?.places))
  return items.every((item) => item !== undefined) ? { kind: 'summary', items } : null
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** The node below projections, and which of its columns each column of the top is: -1 for others; undefined for as they are. */
function throughProjections(top: PlanNode): { node: PlanNode; places: readonly number[] | undefined } | undefined {
  let places: readonly number[] | undefined
  let node = top
  while (node['type'] === 'LOGICAL_PROJECTION') {
    const own = nodesOf(node['expressions']).map(referenceOf)
    places = places === undefined ? own : places.map((place) => own[place] ?? -1)
    const child = onlyChild(node)
    if (child === undefined) return undefined
    node = child
  }
  return { node, places }
}

function referenceOf(expression: unknown): number {
  const isReference = isPlanNode(expression) && expression['expression_class'] === 'BOUND_REF'
  return isReference && typeof expression['index'] === 'number' ? expression['index'] : -1
}

const kinds: Readonly<Record<string, 'count' | 'min' | 'max'>> = { count: 'count', min: 'min', max: 'max' }

function summaryItem(
  aggregate: PlanNode | undefined,
  scan: ReadScan,
  places: readonly number[] | undefined,
): SummaryItem | undefined {
  if (aggregate?.['expression_class'] !== 'BOUND_AGGREGATE' || aggregate['aggregate_type'] !== 'NON_DISTINCT')
    return undefined
  if (isPlanNode(aggregate['filter']) || isPlanNode(aggregate['order_bys'])) return undefined
  const name = String(aggregate['name'])
  const [argument, ...others] = nodesOf(aggregate['children'])
  if (argument === undefined) return name === 'count_star' ? { kind: 'rows' } : undefined
  const kind = kinds[name]
  const place = referenceOf(argument)
  const index = places === undefined ? place : places[place]
  const column = columnAt(scan, scan.outputs[index ?? -1])
  if (kind === undefined || column === undefined || others.length > 0) return undefined
  return { kind, fieldId: column.fieldId }
}

/** A scan that reads every row of its times. */
function wholeScan(node: PlanNode, tables: readonly EngineTable[]): ReadScan | undefined {
  if (node['type'] !== 'LOGICAL_GET' || node['name'] !== 'seq_scan') return undefined
  const scan = readScan(node, tables)
  const isWhole = scan?.filters.every(
    ({ key, value }) =>
      typeof key === 'number' && columnAt(scan, key)?.fieldId === timeColumn.fieldId && isExact(value),
  )
  return isWhole === true ? scan : undefined
}

const exactComparisons: ReadonlySet<unknown> = new Set([
  'COMPARE_EQUAL',
  'COMPARE_GREATERTHAN',
  'COMPARE_GREATERTHANOREQUALTO',
  'COMPARE_LESSTHAN',
  'COMPARE_LESSTHANOREQUALTO',
])

/** Whether a filter on time lets pass neither more nor less than what is understood of it: one range. */
function isExact(filter: unknown): boolean {
  if (!isPlanNode(filter)) return false
  if (filter['filter_type'] === 'CONJUNCTION_AND') return nodesOf(filter['child_filters']).every(isExact)
  if (filter['filter_type'] !== 'CONSTANT_COMPARISON') return false
  const constant = constantOf(filter['constant'])
  return exactComparisons.has(filter['comparison_type']) && constant?.kind === 'exact' && constant.type === 'BIGINT'
}

function onlyChild(node: PlanNode): PlanNode | undefined {
  const children = nodesOf(node['children'])
  return children.length === 1 ? children[0] : undefined
}
