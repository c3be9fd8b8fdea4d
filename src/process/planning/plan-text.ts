import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'

// Filters of a plan as people may read them. They name what was not understood; nothing is concluded from them.

/** Of a filter that the plan has at one column of a scan; empty where it is no expression. */
export function filterText(filter: unknown, column: string): string {
  if (!isPlanNode(filter)) return ''
  if (filter['filter_type'] === 'EXPRESSION_FILTER') return expressionText(filter['expr'], () => column)
  if (filter['filter_type'] === 'STRUCT_EXTRACT') return `${column}.${String(filter['child_name'])} …`
  return ''
}

/** Beyond this depth, a filter says nothing to anybody. */
const depthMax = 6

export function expressionText(expression: unknown, nameOf: (index: number) => string, depth = 0): string {
  if (!isPlanNode(expression) || depth > depthMax) return '…'
  const textOf = (child: unknown) => expressionText(child, nameOf, depth + 1)
  const children = nodesOf(expression['children'])
  switch (expression['expression_class']) {
    case 'BOUND_REF':
      return nameOf(Number(expression['index']))
    case 'BOUND_CONSTANT':
      return constantText(expression['value'])
    case 'BOUND_CAST':
      return textOf(expression['child'])
    case 'BOUND_COMPARISON':
      return `${textOf(expression['left'])} ${operator(expression['type'])} ${textOf(expression['right'])}`
    case 'BOUND_CONJUNCTION':
      return children.map(textOf).join(expression['type'] === 'CONJUNCTION_OR' ? ' or ' : ' and ')
    case 'BOUND_OPERATOR':
      return operatorText(expression['type'], children.map(textOf))
    case 'BOUND_FUNCTION':
      return functionText(expression, children.map(textOf))
    default:
      return '…'
  }
}

function functionText({ name, is_operator: isOperator }: PlanNode, args: readonly string[]): string {
  if (isOperator === true && args.length === 2) return `(${args.join(` ${spelled[String(name)] ?? String(name)} `)})`
  return `${String(name)}(${args.join(', ')})`
}

const spelled: Readonly<Record<string, string>> = {
  '~~': 'like',
  '!~~': 'not like',
  '~~*': 'ilike',
  '!~~*': 'not ilike',
}

const operators: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_DISTINCT_FROM: 'is distinct from',
  COMPARE_NOT_DISTINCT_FROM: 'is not distinct from',
}

function operator(type: unknown): string {
  return operators[String(type)] ?? '…'
}

function operatorText(type: unknown, [first = '…', ...rest]: readonly string[]): string {
  switch (type) {
    case 'OPERATOR_IS_NULL':
      return `${first} is null`
    case 'OPERATOR_IS_NOT_NULL':
      return `${first} is not null`
    case 'OPERATOR_NOT':
      return `not ${first}`
    case 'COMPARE_IN':
      return `${first} in (${rest.join(', ')})`
    case 'COMPARE_NOT_IN':
      return `${first} not in (${rest.join(', ')})`
    default:
      return `${String(type).replace('OPERATOR_', '').toLowerCase()}(${[first, ...rest].join(', ')})`
  }
}

function constantText(constant: unknown): string {
  const value = isPlanNode(constant) ? constant['value'] : undefined
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '…'
}
