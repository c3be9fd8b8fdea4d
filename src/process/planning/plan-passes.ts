import { isPlanNode } from './plan-nodes.ts'

/** Operators that look at each row of what is below them once, or sort those rows. */
const onePassOperators: ReadonlySet<unknown> = new Set([
  'LOGICAL_GET',
  'LOGICAL_FILTER',
  'LOGICAL_PROJECTION',
  'LOGICAL_AGGREGATE_AND_GROUP_BY',
  'LOGICAL_ORDER_BY',
  'LOGICAL_TOP_N',
  'LOGICAL_LIMIT',
  'LOGICAL_DISTINCT',
])

/** Whether the rows of one table are read once and nothing makes more of them, so that their number says what the query costs. */
export function isOnePass(plans: unknown): boolean {
  const stack = [plans]
  let scans = 0
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (Array.isArray(next)) stack.push(...(next as unknown[]))
    if (!isPlanNode(next)) continue
    const { type, name, children } = next
    if (!onePassOperators.has(type)) return false
    if (type === 'LOGICAL_GET') {
      if (name !== 'seq_scan') return false
      scans += 1
    }
    stack.push(children)
  }
  return scans === 1
}
