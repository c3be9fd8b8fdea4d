import type { ChunkCondition } from '../../store/conditions.ts'
import { allOf, anyOf, anything } from '../../store/conditions.ts'
import type { Column } from '../../store/store.ts'
import type { ColumnView, Referenced } from './column-views.ts'
import { isNumber, viewOf, viewOfColumn } from './column-views.ts'
import { startsWith, withinDoubles, withinText, withinWhole } from './column-bounds.ts'
import type { Comparison } from './intervals.ts'
import { intervalOf } from './intervals.ts'
import type { PlanConstant } from './plan-constants.ts'
import { constantExpression, constantOf } from './plan-constants.ts'
import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'

/**
 * Reads off the filters of an optimised plan what the rows have to fulfil that pass. Whatever is not understood lets every row
 * pass: too many chunks may be opened for the answer, and never too few.
 */

/** Of a filter that the plan has at one column of a scan. */
export function conditionOfFilter(filter: unknown, column: Column): ChunkCondition {
  if (!isPlanNode(filter)) return anything
  const own: Referenced = () => column
  const compared = (comparison: unknown, constant: PlanConstant | undefined) =>
    conditionOf(comparison, viewOfColumn(column), constant)
  switch (filter['filter_type']) {
    case 'CONSTANT_COMPARISON':
      return compared(filter['comparison_type'], constantOf(filter['constant']))
    case 'CONJUNCTION_AND':
      return allOf(nodesOf(filter['child_filters']).map((child) => conditionOfFilter(child, column)))
    case 'CONJUNCTION_OR':
      return oneOf(filter['child_filters'], (child) => conditionOfFilter(child, column))
    case 'OPTIONAL_FILTER':
      return conditionOfFilter(filter['child_filter'], column)
    case 'IN_FILTER':
      return oneOf(filter['values'], (value) => compared('COMPARE_EQUAL', constantOf(value)))
    case 'IS_NULL':
      return nullity('null', column)
    case 'IS_NOT_NULL':
      return nullity('value', column)
    case 'EXPRESSION_FILTER':
      return conditionOfExpression(filter['expr'], own)
    default:
      return anything
  }
}

/** Of an expression over the columns of a scan that has to be true. */
export function conditionOfExpression(expression: unknown, referenced: Referenced): ChunkCondition {
  if (!isPlanNode(expression)) return anything
  const { type, children } = expression as { type?: unknown; children?: unknown }
  const conditionOfChild = (child: unknown) => conditionOfExpression(child, referenced)
  switch (expression['expression_class']) {
    case 'BOUND_CONJUNCTION':
      if (type === 'CONJUNCTION_OR') return oneOf(children, conditionOfChild)
      return type === 'CONJUNCTION_AND' ? allOf(nodesOf(children).map(conditionOfChild)) : anything
    case 'BOUND_COMPARISON':
      return conditionOfSides(type, expression['left'], expression['right'], referenced)
    case 'BOUND_BETWEEN':
      return conditionOfBetween(expression, referenced)
    case 'BOUND_OPERATOR':
      return conditionOfOperator(type, nodesOf(children), referenced)
    case 'BOUND_FUNCTION':
      return conditionOfPrefix(String(expression['name']), nodesOf(children), referenced)
    case 'BOUND_REF':
      return isTrue(expression, true, referenced)
    default:
      return anything
  }
}

/** A disjunction of things that are all understood; of nothing, it is not understood itself. */
function oneOf(children: unknown, conditionOfChild: (child: unknown) => ChunkCondition): ChunkCondition {
  return Array.isArray(children) && children.length > 0 ? anyOf(children.map(conditionOfChild)) : anything
}

function conditionOfSides(comparison: unknown, left: unknown, right: unknown, referenced: Referenced): ChunkCondition {
  const constant = constantExpression(right)
  if (constant !== undefined) return conditionOf(comparison, viewOf(left, referenced), constant)
  return conditionOf(mirrored[String(comparison)] ?? comparison, viewOf(right, referenced), constantExpression(left))
}

function conditionOfBetween(between: PlanNode, referenced: Referenced): ChunkCondition {
  const view = viewOf(between['input'], referenced)
  const lower = between['lower_inclusive'] === false ? 'COMPARE_GREATERTHAN' : 'COMPARE_GREATERTHANOREQUALTO'
  const upper = between['upper_inclusive'] === false ? 'COMPARE_LESSTHAN' : 'COMPARE_LESSTHANOREQUALTO'
  return allOf([
    conditionOf(lower, view, constantExpression(between['lower'])),
    conditionOf(upper, view, constantExpression(between['upper'])),
  ])
}

function conditionOfOperator(type: unknown, children: readonly PlanNode[], referenced: Referenced): ChunkCondition {
  const [first, ...values] = children
  switch (type) {
    case 'COMPARE_IN':
      return oneOf(values, (value) =>
        conditionOf('COMPARE_EQUAL', viewOf(first, referenced), constantExpression(value)),
      )
    case 'COMPARE_NOT_IN':
      return conditionOf('COMPARE_NOTEQUAL', viewOf(first, referenced), constantExpression(values[0]))
    case 'OPERATOR_IS_NULL':
      return ofColumn(first, referenced, (column) => nullity('null', column))
    case 'OPERATOR_IS_NOT_NULL':
      return ofColumn(first, referenced, (column) => nullity('value', column))
    case 'OPERATOR_NOT':
      return isTrue(first, false, referenced)
    default:
      return anything
  }
}

const prefixFunctions: ReadonlySet<string> = new Set(['prefix', 'starts_with', '^@'])

function conditionOfPrefix(name: string, args: readonly PlanNode[], referenced: Referenced): ChunkCondition {
  const [view, prefix] = [viewOf(args[0], referenced), constantExpression(args[1])]
  const isPrefix = prefixFunctions.has(name) && view?.domain === 'text' && prefix?.kind === 'text'
  return isPrefix ? startsWith(view.column, prefix.value) : anything
}

/** A column of booleans by itself, or what is not it. */
function isTrue(expression: unknown, value: boolean, referenced: Referenced): ChunkCondition {
  const view = viewOf(expression, referenced)
  const bound = value ? 1n : 0n
  return view?.type === 'BOOLEAN' ? withinWhole(view.column, { low: bound, high: bound }) : anything
}

/** Tests for NULL are understood of columns themselves: there are casts that make NULL of a value. */
function ofColumn(
  expression: unknown,
  referenced: Referenced,
  condition: (column: Column) => ChunkCondition,
): ChunkCondition {
  if (!isPlanNode(expression) || expression['expression_class'] !== 'BOUND_REF') return anything
  const column = typeof expression['index'] === 'number' ? referenced(expression['index']) : undefined
  return column === undefined ? anything : condition(column)
}

/** The statistics of nested columns are those of what is inside of them. */
function nullity(kind: 'null' | 'value', { fieldId, type }: Column): ChunkCondition {
  return type.kind === 'array' || type.kind === 'map' || type.kind === 'row' ? anything : { kind, fieldId }
}

const mirrored: Readonly<Record<string, string>> = {
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
}

const comparisons: Readonly<Record<string, Comparison>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOT_DISTINCT_FROM: '=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
}

/** A column, through a view, compared with a constant. */
function conditionOf(
  comparison: unknown,
  view: ColumnView | undefined,
  constant: PlanConstant | undefined,
): ChunkCondition {
  if (view === undefined || constant === undefined) return anything
  const { column } = view
  if (comparison === 'COMPARE_NOTEQUAL') return nullity('value', column)
  const known = comparisons[String(comparison)]
  if (known === undefined) return anything
  switch (view.domain) {
    case 'text':
      return constant.kind === 'text' ? withinText(column, known, constant.value) : anything
    case 'double':
      return constant.kind === 'double' ? withinDoubles(column, known, constant.value) : anything
    case 'whole': {
      const interval = isComparable(view, constant) ? intervalOf(known, constant, view) : undefined
      return interval === undefined ? anything : withinWhole(column, view.toColumn(interval))
    }
  }
}

/** Both are of one type, as DuckDB makes them before it compares; numbers of all types count as they are. */
function isComparable(view: ColumnView, constant: PlanConstant): boolean {
  if (constant.kind !== 'exact') return view.type === 'DOUBLE'
  return view.type === constant.type || (isNumber(view.type) && isNumber(constant.type))
}
