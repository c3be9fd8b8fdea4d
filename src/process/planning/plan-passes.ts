import { isPlanNode } from './plan-nodes.ts'

/** Where rows come from: one row of no table, as in `select 1`, or none, as where `false` is asked for. */
const fewRowsOperators: ReadonlySet<unknown> = new Set(['LOGICAL_DUMMY_SCAN', 'LOGICAL_EMPTY_RESULT'])

/** Operators that look at each row of what is below them once, or sort those rows. */
const onePassOperators: ReadonlySet<unknown> = new Set([
  'LOGICAL_FILTER',
  'LOGICAL_PROJECTION',
  'LOGICAL_AGGREGATE_AND_GROUP_BY',
  'LOGICAL_ORDER_BY',
  'LOGICAL_TOP_N',
  'LOGICAL_LIMIT',
  'LOGICAL_DISTINCT',
])

/** Whether the rows of one table, if of any, are read once and nothing makes more of them, so that their number says what the query costs. */
export function isOnePass(plans: unknown): boolean {
  const stack = [plans]
  let sources = 0
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (Array.isArray(next)) stack.push(...(next as unknown[]))
    if (!isPlanNode(next)) continue
    const { type, name, children } = next
    const isTable = type === 'LOGICAL_GET' && name === 'seq_scan'
    if (isTable || fewRowsOperators.has(type)) sources += 1
    else if (!onePassOperators.has(type)) return false
    stack.push(children)
  }
  return sources === 1
}
