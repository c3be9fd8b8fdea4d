import type { TimeSet } from './time-ranges.ts'
import { always, intersection, never, union } from './time-ranges.ts'

/**
 * Reads off the filters of an optimised plan at which times a row can pass. Whatever is not understood lets every time
 * pass: the answer may be too large a set, and never too small a one.
 */
export type PlanNode = Readonly<Record<string, unknown>>

export function isPlanNode(value: unknown): value is PlanNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function nodesOf(value: unknown): readonly PlanNode[] {
  return Array.isArray(value) ? value.filter(isPlanNode) : []
}

/** The times that pass a table filter on the column `time`. */
export function timesOfFilter(filter: unknown): TimeSet {
  if (!isPlanNode(filter)) return always
  switch (filter['filter_type']) {
    case 'CONSTANT_COMPARISON':
      return timesOfComparison(filter['comparison_type'], constantOf(filter['constant']))
    case 'CONJUNCTION_AND':
      return nodesOf(filter['child_filters']).map(timesOfFilter).reduce(intersection, always)
    case 'CONJUNCTION_OR':
      return allOf(filter['child_filters'], timesOfFilter)
    case 'OPTIONAL_FILTER':
      return timesOfFilter(filter['child_filter'])
    case 'IN_FILTER':
      return allOf(filter['values'], (value) => timesOfComparison('COMPARE_EQUAL', constantOf(value)))
    case 'EXPRESSION_FILTER':
      return timesOfExpression(filter['expr'])
    default:
      return always
  }
}

/** The times at which an expression over the column `time` alone can be true. */
function timesOfExpression(expression: unknown): TimeSet {
  if (!isPlanNode(expression)) return always
  const { type, children } = expression as { type?: unknown; children?: unknown }
  switch (expression['expression_class']) {
    case 'BOUND_CONJUNCTION':
      if (type === 'CONJUNCTION_OR') return allOf(children, timesOfExpression)
      return type === 'CONJUNCTION_AND' ? nodesOf(children).map(timesOfExpression).reduce(intersection, always) : always
    case 'BOUND_COMPARISON':
      return timesOfSides(type, expression['left'], expression['right'])
    case 'BOUND_BETWEEN':
      return timesOfBetween(expression)
    case 'BOUND_OPERATOR':
      return type === 'COMPARE_IN' ? timesOfIn(nodesOf(children)) : always
    default:
      return always
  }
}

function timesOfSides(comparison: unknown, left: unknown, right: unknown): TimeSet {
  if (isTime(left)) return timesOfComparison(comparison, constantExpression(right))
  if (isTime(right)) return timesOfComparison(mirrored[String(comparison)], constantExpression(left))
  return always
}

function timesOfBetween(between: PlanNode): TimeSet {
  if (!isTime(between['input'])) return always
  const lower = between['lower_inclusive'] === false ? 'COMPARE_GREATERTHAN' : 'COMPARE_GREATERTHANOREQUALTO'
  const upper = between['upper_inclusive'] === false ? 'COMPARE_LESSTHAN' : 'COMPARE_LESSTHANOREQUALTO'
  return intersection(
    timesOfComparison(lower, constantExpression(between['lower'])),
    timesOfComparison(upper, constantExpression(between['upper'])),
  )
}

function timesOfIn([input, ...values]: readonly PlanNode[]): TimeSet {
  if (!isTime(input)) return always
  return union(values.map((value) => timesOfComparison('COMPARE_EQUAL', constantExpression(value))))
}

/** A disjunction of things that are all understood; of nothing, it is not understood itself. */
function allOf(children: unknown, timesOf: (child: unknown) => TimeSet): TimeSet {
  return Array.isArray(children) && children.length > 0 ? union(children.map(timesOf)) : always
}

const mirrored: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: 'COMPARE_EQUAL',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
}

/** A constant as the interval that it surely lies in: one point for whole numbers. */
interface Bounds {
  readonly low: number
  readonly high: number
}

function timesOfComparison(comparison: unknown, constant: Bounds | undefined): TimeSet {
  if (constant === undefined) return always
  const { low, high } = constant
  const { NEGATIVE_INFINITY: start, POSITIVE_INFINITY: end } = Number
  switch (comparison) {
    case 'COMPARE_EQUAL':
      return rangeOf(Math.ceil(low), Math.floor(high) + 1)
    case 'COMPARE_GREATERTHAN':
      return rangeOf(Math.floor(low) + 1, end)
    case 'COMPARE_GREATERTHANOREQUALTO':
      return rangeOf(Math.ceil(low), end)
    case 'COMPARE_LESSTHAN':
      return rangeOf(start, Math.ceil(high))
    case 'COMPARE_LESSTHANOREQUALTO':
      return rangeOf(start, Math.floor(high) + 1)
    default:
      return always
  }
}

function rangeOf(from: number, to: number): TimeSet {
  return from < to ? [{ from, to }] : never
}

/** The column itself, or the column made a wider number to be compared with one. */
function isTime(expression: unknown): boolean {
  if (!isPlanNode(expression)) return false
  if (expression['expression_class'] === 'BOUND_REF') return true
  if (expression['expression_class'] !== 'BOUND_CAST' || expression['try_cast'] !== false) return false
  const target = expression['return_type']
  return isPlanNode(target) && wideNumbers.has(String(target['id'])) && isTime(expression['child'])
}

const wideNumbers: ReadonlySet<string> = new Set(['BIGINT', 'HUGEINT', 'DECIMAL', 'DOUBLE'])

function constantExpression(expression: unknown): Bounds | undefined {
  if (!isPlanNode(expression) || expression['expression_class'] !== 'BOUND_CONSTANT') return undefined
  return constantOf(expression['value'])
}

/** Numbers beyond 2^53 have lost digits on their way through JSON, so nothing is concluded from them. */
function constantOf(constant: unknown): Bounds | undefined {
  if (!isPlanNode(constant) || constant['is_null'] !== false || !isPlanNode(constant['type'])) return undefined
  const { id, type_info: info } = constant['type'] as { id?: unknown; type_info?: unknown }
  const raw = wholeNumber(constant['value'])
  switch (id) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'HUGEINT':
      return raw === undefined ? undefined : { low: raw, high: raw }
    case 'DOUBLE':
      return doubleBounds(constant['value'])
    case 'DECIMAL': {
      const scale = isPlanNode(info) ? info['scale'] : undefined
      if (raw === undefined || typeof scale !== 'number') return undefined
      // The quotient may be rounded across a whole second, and a second more does no harm.
      return { low: Math.floor(raw / 10 ** scale) - 1, high: Math.ceil(raw / 10 ** scale) + 1 }
    }
    default:
      return undefined
  }
}

function doubleBounds(value: unknown): Bounds | undefined {
  if (typeof value !== 'number' || Math.abs(value) > Number.MAX_SAFE_INTEGER) return undefined
  return { low: value, high: value }
}

/** DuckDB writes integers of 128 bits in two halves. */
function wholeNumber(value: unknown): number | undefined {
  if (isPlanNode(value)) return value['upper'] === 0 ? wholeNumber(value['lower']) : undefined
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}
