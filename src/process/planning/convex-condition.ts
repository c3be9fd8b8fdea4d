import type { SyntaxNode } from './syntax-walk.ts'
import { isNode, textOf } from './syntax-walk.ts'

/**
 * Whether the condition is one that holds between two times wherever it holds at both: comparisons of `time` with constants,
 * all of which have to be true. Then what it says of the first and the last time of a chunk, it says of every row of it.
 * Whatever is not plainly so is not.
 */
export function isConvexInTime(condition: unknown, alias: string): boolean {
  const time = new Set(['time', `${alias.toLowerCase()}.time`])
  const isTime = (node: unknown): boolean => {
    const names = isNode(node) && node['class'] === 'COLUMN_REF' ? node['column_names'] : undefined
    return Array.isArray(names) && time.has(names.join('.').toLowerCase())
  }
  const isConvex = (node: unknown): boolean => {
    if (!isNode(node)) return false
    switch (node['type']) {
      case 'CONJUNCTION_AND':
        return childrenOf(node).every(isConvex)
      case 'COMPARE_BETWEEN':
        return isTime(node['input']) && isBound(node['lower']) && isBound(node['upper'])
      case 'FUNCTION':
        return isTimeRange(node, isTime)
      default:
        return comparisons.has(textOf(node, 'type')) && isComparison(node, isTime)
    }
  }
  return isConvex(condition)
}

/** Not the unequal, which holds on both sides of its constant. */
const comparisons: ReadonlySet<string> = new Set([
  'COMPARE_EQUAL',
  'COMPARE_LESSTHAN',
  'COMPARE_GREATERTHAN',
  'COMPARE_LESSTHANOREQUALTO',
  'COMPARE_GREATERTHANOREQUALTO',
])

function isComparison({ left, right }: SyntaxNode, isTime: (node: unknown) => boolean): boolean {
  return (isTime(left) && isBound(right)) || (isTime(right) && isBound(left))
}

function isTimeRange(call: SyntaxNode, isTime: (node: unknown) => boolean): boolean {
  if (textOf(call, 'function_name').toLowerCase() !== 'td_time_range') return false
  const [time, ...bounds] = childrenOf(call)
  return isTime(time) && bounds.every(isBound)
}

const numbers: ReadonlySet<string> = new Set(
  'TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT DECIMAL FLOAT DOUBLE'.split(
    ' ',
  ),
)
const literals: ReadonlySet<string> = new Set([...numbers, 'VARCHAR', 'NULL'])
const boundFunctions: ReadonlySet<string> = new Set([
  '+',
  '-',
  '*',
  'td_time_parse',
  'td_date_trunc',
  'td_scheduled_time',
])

/** Whether it is a constant number, or a text that stands for one. Other types order their values in other ways. */
function isBound(node: unknown): boolean {
  if (!isNode(node)) return false
  switch (node['class']) {
    case 'CONSTANT': {
      const { type } = (isNode(node['value']) ? node['value'] : {}) as { type?: unknown }
      return isNode(type) && literals.has(textOf(type, 'id'))
    }
    case 'CAST':
      return isNode(node['cast_type']) && numbers.has(textOf(node['cast_type'], 'id')) && isBound(node['child'])
    case 'FUNCTION':
      return boundFunctions.has(textOf(node, 'function_name').toLowerCase()) && childrenOf(node).every(isBound)
    default:
      return false
  }
}

function childrenOf(node: SyntaxNode): readonly unknown[] {
  const { children } = node
  return Array.isArray(children) ? children : []
}
