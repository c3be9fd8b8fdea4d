import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'
import type { Interval } from './intervals.ts'
import { dividedBy, multipliedBy } from './intervals.ts'
import { constantExpression } from './plan-constants.ts'
import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode, nodesOf } from './plan-nodes.ts'

/**
 * A column as an expression shows it: through casts and functions that keep the order of its values, so that what is asked of
 * the expression can be asked of the column.
 */
export interface ColumnView {
  readonly column: Column
  /** Whole numbers in units of the type (days, microseconds, 10^-scale), doubles of a column of doubles, or text. */
  readonly domain: 'whole' | 'double' | 'text'
  /** Of the expression, in DuckDB's words. */
  readonly type: string
  readonly scale: number
  /** Whether the whole numbers went through a division of doubles. */
  readonly isRounded: boolean
  /** From the whole numbers of the expression to those of the column. */
  toColumn(interval: Interval): Interval
}

/** The column that a reference in an expression means. */
export type Referenced = (index: number) => Column | undefined

/** Undefined where the expression is not understood. */
export function viewOf(expression: unknown, referenced: Referenced): ColumnView | undefined {
  if (!isPlanNode(expression)) return undefined
  const children = nodesOf(expression['children'])
  switch (expression['expression_class']) {
    case 'BOUND_REF': {
      const column = typeof expression['index'] === 'number' ? referenced(expression['index']) : undefined
      return column && viewOfColumn(column)
    }
    case 'BOUND_CAST':
      return expression['try_cast'] === false ? castOf(viewOf(expression['child'], referenced), expression) : undefined
    case 'BOUND_FUNCTION':
      return functionOf(String(expression['name']), viewOf(children.at(-1), referenced), children)
    default:
      return undefined
  }
}

const domains: Partial<Record<LogicalType['kind'], ColumnView['domain']>> = {
  boolean: 'whole',
  bigint: 'whole',
  decimal: 'whole',
  date: 'whole',
  timestamp: 'whole',
  double: 'double',
  varchar: 'text',
  json: 'text',
}

/** The column as it is; undefined where statistics say nothing of its type. */
export function viewOfColumn(column: Column): ColumnView | undefined {
  const { type } = column
  const domain = domains[type.kind]
  if (domain === undefined) return undefined
  const scale = type.kind === 'decimal' ? type.scale : 0
  const name = type.kind === 'json' ? 'VARCHAR' : type.kind.toUpperCase()
  return { column, domain, type: name, scale, isRounded: false, toColumn: (interval) => interval }
}

function typeOf(returned: unknown): { type: string; scale: number } {
  if (!isPlanNode(returned)) return { type: '', scale: 0 }
  const info = returned['type_info']
  const scale = isPlanNode(info) && typeof info['scale'] === 'number' ? info['scale'] : 0
  return { type: String(returned['id']), scale }
}

const microsPerDay = 86_400_000_000n
const instants: ReadonlySet<string> = new Set(['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'])
const numbers: ReadonlySet<string> = new Set(['BIGINT', 'HUGEINT', 'DECIMAL'])

/** Whether the type, in DuckDB's words, is one of exact numbers. */
export function isNumber(type: string): boolean {
  return numbers.has(type)
}

/** Casts that keep the order. Sessions are in UTC, so that timestamps with a zone are the same microseconds. */
function castOf(from: ColumnView | undefined, { return_type: returned }: PlanNode): ColumnView | undefined {
  if (from === undefined) return undefined
  const { type, scale } = typeOf(returned)
  if (type === from.type && scale === from.scale) return from
  if (isNumber(from.type) && isNumber(type) && scale >= from.scale) {
    return through(from, { type, scale }, (interval) => dividedBy(interval, 10n ** BigInt(scale - from.scale)))
  }
  if (isNumber(from.type) && type === 'DOUBLE') return { ...from, type, isRounded: from.scale > 0 }
  if (instants.has(from.type) && instants.has(type)) return { ...from, type }
  if (from.type === 'DATE' && instants.has(type)) return through(from, { type }, (of) => dividedBy(of, microsPerDay))
  if (instants.has(from.type) && type === 'DATE') return through(from, { type }, (of) => multipliedBy(of, microsPerDay))
  return undefined
}

const truncatedMicros: Readonly<Record<string, bigint>> = {
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
  day: microsPerDay,
}

function functionOf(name: string, from: ColumnView | undefined, args: readonly PlanNode[]): ColumnView | undefined {
  if (from === undefined) return undefined
  const first = constantExpression(args[0])
  const option = args.length === 2 && first?.kind === 'text' ? first.value.toLowerCase() : undefined
  if (name === 'to_timestamp' && from.domain === 'whole' && from.type === 'DOUBLE' && !from.isRounded) {
    return through(from, { type: 'TIMESTAMP WITH TIME ZONE' }, (of) => dividedBy(of, 1_000_000n))
  }
  if (!instants.has(from.type) || option === undefined) return undefined
  if (name === 'timezone' && option === 'utc') {
    return { ...from, type: from.type === 'TIMESTAMP' ? 'TIMESTAMP WITH TIME ZONE' : 'TIMESTAMP' }
  }
  const micros = name === 'date_trunc' ? truncatedMicros[option] : undefined
  return micros === undefined ? undefined : through(from, {}, (of) => multipliedBy(dividedBy(of, micros), micros))
}

function through(
  from: ColumnView,
  as: { readonly type?: string; readonly scale?: number },
  step: (interval: Interval) => Interval,
): ColumnView {
  return { ...from, ...as, toColumn: (interval) => from.toColumn(step(interval)) }
}
