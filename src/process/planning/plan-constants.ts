import type { PlanNode } from './plan-nodes.ts'
import { isPlanNode } from './plan-nodes.ts'

/** A constant of a plan, as far as it can be compared with statistics. */
export type PlanConstant =
  /** `unscaled / 10^scale`: whole numbers, decimals, days, microseconds, 0 and 1 for booleans. */
  | { readonly kind: 'exact'; readonly type: string; readonly unscaled: bigint; readonly scale: number }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }

const wholeTypes: ReadonlySet<string> = new Set([
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
])

/** Undefined where the value is NULL, or of a type that is not understood. */
export function constantOf(value: unknown): PlanConstant | undefined {
  if (!isPlanNode(value) || value['is_null'] !== false || !isPlanNode(value['type'])) return undefined
  const { id, type_info: info } = value['type'] as { id?: unknown; type_info?: unknown }
  const type = String(id)
  if (wholeTypes.has(type)) return isInfinite(type, value['value']) ? undefined : exact(type, value['value'], 0)
  switch (type) {
    case 'BOOLEAN':
      return typeof value['value'] === 'boolean' ? exact(type, value['value'] ? 1 : 0, 0) : undefined
    case 'DECIMAL': {
      const scale = isPlanNode(info) ? info['scale'] : undefined
      return typeof scale === 'number' ? exact(type, value['value'], scale) : undefined
    }
    case 'DOUBLE':
      return double(value['value'])
    case 'VARCHAR':
      return typeof value['value'] === 'string' ? { kind: 'text', value: value['value'] } : undefined
    default:
      return undefined
  }
}

/**
 * The infinite days and microseconds: as numbers they would become others on the way through a cast, but a cast keeps what is
 * infinite.
 */
const infinities: Readonly<Record<string, bigint>> = {
  DATE: 2n ** 31n - 1n,
  TIMESTAMP: 2n ** 63n - 1n,
  'TIMESTAMP WITH TIME ZONE': 2n ** 63n - 1n,
}

function isInfinite(type: string, value: unknown): boolean {
  const [infinity, number] = [infinities[type], wholeNumber(value)]
  return infinity !== undefined && (number === infinity || number === -infinity)
}

/** The constant that an expression is. */
export function constantExpression(expression: unknown): PlanConstant | undefined {
  if (!isPlanNode(expression) || expression['expression_class'] !== 'BOUND_CONSTANT') return undefined
  return constantOf(expression['value'])
}

function exact(type: string, value: unknown, scale: number): PlanConstant | undefined {
  const unscaled = wholeNumber(value)
  return unscaled === undefined ? undefined : { kind: 'exact', type, unscaled, scale }
}

function double(value: unknown): PlanConstant | undefined {
  // NaN, the infinities and long numbers come as texts (plan-nodes.ts).
  return typeof value === 'number' || typeof value === 'string' ? { kind: 'double', value: Number(value) } : undefined
}

/** DuckDB writes integers of 128 bits in two halves, of which the upper has the sign. */
function wholeNumber(value: unknown): bigint | undefined {
  if (isPlanNode(value)) return wholeNumberOfHalves(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : undefined
}

function wholeNumberOfHalves({ upper, lower }: PlanNode): bigint | undefined {
  if (isPlanNode(upper) || isPlanNode(lower)) return undefined
  const [high, low] = [wholeNumber(upper), wholeNumber(lower)]
  return high === undefined || low === undefined ? undefined : high * 2n ** 64n + low
}
