import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'

import { must } from '../../../base/errors.ts'
import type { LogicalType } from '../../../store/types.ts'
import { isScalar } from '../../../store/types.ts'
import { fractionOf } from './reference-json.ts'

/**
 * Any nested types and values for them, and what a column should hold of each: written for plainness, by recursion over
 * values that are whole in memory, sharing nothing with the splitter.
 */
export type Source =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: bigint }
  /** Never whole. */
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'list'; readonly items: readonly Source[] }
  | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [key: string, value: Source])[] }

/** No character that may be escaped in two ways. */
const anyText = fc.string({ unit: fc.constantFrom('a', 'B', '"', '\\', 'é', '😀', ' ', '7'), maxLength: 4 })
const dates = ['2024-02-29', '1969-12-31']
const moments = ['2024-02-29T12:30:15.250001', '2024-02-29 12:30:00Z']
const names = ['a', 'B', 'long name', 'é', 'c"d'] as const

const anyScalarType = fc.oneof(
  fc
    .constantFrom('boolean', 'bigint', 'double', 'varchar', 'date', 'timestamp', 'json')
    .map((kind): LogicalType => ({ kind })),
  fc.constantFrom<LogicalType>(
    { kind: 'decimal', precision: 9, scale: 2 },
    { kind: 'decimal', precision: 18, scale: 0 },
    { kind: 'decimal', precision: 38, scale: 10 },
  ),
)

const { type: anyInnerType } = fc.letrec<{ type: LogicalType; nested: LogicalType }>((tie) => ({
  type: fc.oneof({ maxDepth: 4, depthSize: 'small' }, anyScalarType, tie('nested')),
  nested: fc.oneof(
    tie('type').map((element): LogicalType => ({ kind: 'array', element })),
    fc.tuple(anyScalarType, tie('type')).map(([key, value]): LogicalType => ({ kind: 'map', key, value })),
    fc
      .uniqueArray(fc.record({ name: fc.constantFrom(...names), type: tie('type') }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ name }) => name,
      })
      .map((fields): LogicalType => ({ kind: 'row', fields })),
  ),
}))

export const anyNestedType = anyInnerType.filter((type) => !isScalar(type))

const anyInteger = fc
  .oneof(
    fc.integer({ min: -5, max: 5 }).map(BigInt),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(2n ** 53n + 1n, 2n ** 63n),
  )
  .map((value): Source => ({ kind: 'integer', value }))
const anyFloat = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value))
  .map((value): Source => ({ kind: 'float', value }))
const anyString = fc
  .oneof(anyText, fc.constantFrom('true', '12', '-3.25', '1e2', '012', ...dates, ...moments, '2024-02-30'))
  .map((value): Source => ({ kind: 'text', value }))
const nothing: Source = { kind: 'null' }

const { source: anySource } = fc.letrec<{ source: Source }>((tie) => ({
  source: fc.oneof(
    { maxDepth: 2 },
    fc.constant(nothing),
    fc.boolean().map((value): Source => ({ kind: 'boolean', value })),
    anyInteger,
    anyFloat,
    anyString,
    fc.array(tie('source'), { maxLength: 2 }).map((items): Source => ({ kind: 'list', items })),
    fc.array(fc.tuple(anyText, tie('source')), { maxLength: 2 }).map((pairs): Source => ({ kind: 'pairs', pairs })),
  ),
}))

/** Values that mostly fit into the type. */
export function anySourceFor(type: LogicalType): fc.Arbitrary<Source> {
  return fc.oneof(
    { weight: 25, arbitrary: fittingSource(type) },
    { weight: 3, arbitrary: fc.constant(nothing) },
    { weight: 1, arbitrary: anySource },
  )
}

function fittingSource(type: LogicalType): fc.Arbitrary<Source> {
  switch (type.kind) {
    case 'array':
      return fc.array(anySourceFor(type.element), { maxLength: 4 }).map((items) => ({ kind: 'list', items }))
    case 'map':
      return fc
        .array(fc.tuple(keyText(type.key), anySourceFor(type.value)), { maxLength: 3 })
        .map((pairs) => ({ kind: 'pairs', pairs }))
    case 'row': {
      const fields = type.fields.map((field) => {
        const name = fc.oneof({ weight: 9, arbitrary: fc.constant(field.name) }, anyCaseOf(field.name))
        return fc.option(fc.tuple(name, anySourceFor(field.type)), { freq: 5 })
      })
      const stranger = fc.option(fc.tuple(fc.constantFrom('z', 'b', 'É'), anySource), { freq: 1 })
      return fc
        .tuple(fc.tuple(...fields), fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, stranger))
        .chain(([own, other]) => {
          const pairs = [...own, other].filter((pair) => pair !== null)
          return fc.shuffledSubarray(pairs, { minLength: pairs.length }).map((shuffled): Source => {
            return { kind: 'pairs', pairs: shuffled }
          })
        })
    }
    case 'boolean':
      return fc.boolean().map((value) => ({ kind: 'boolean', value }))
    case 'bigint':
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant(7n)).map((value) => {
        return { kind: 'integer', value }
      })
    case 'decimal':
      return fc.integer({ min: -999_999, max: 999_999 }).map((value) => ({ kind: 'integer', value: BigInt(value) }))
    case 'double':
      return anyFloat
    case 'date':
      return fc.constantFrom(...dates).map((value) => ({ kind: 'text', value }))
    case 'timestamp':
      return fc.constantFrom(...moments).map((value) => ({ kind: 'text', value }))
    default:
      return anyString
  }
}

const anyCaseOf = (name: string): fc.Arbitrary<string> => fc.constantFrom(name.toUpperCase(), name.toLowerCase())

function keyText(type: LogicalType): fc.Arbitrary<string> {
  const fitting = fittingSource(type).map((source) => {
    return source.kind === 'list' || source.kind === 'pairs' || source.kind === 'null' ? '' : String(source.value)
  })
  return fc.oneof({ weight: 20, arbitrary: fitting }, anyText)
}

export function jsonOf(source: Source): string {
  switch (source.kind) {
    case 'null':
      return 'null'
    case 'list':
      return `[${source.items.map(jsonOf).join(',')}]`
    case 'pairs':
      return `{${source.pairs.map(([key, value]) => `${JSON.stringify(key)}:${jsonOf(value)}`).join(',')}}`
    case 'text':
      return JSON.stringify(source.value)
    default:
      return String(source.value)
  }
}

export function msgpackOf(source: Source): Buffer {
  switch (source.kind) {
    case 'null':
      return Buffer.from(encode(null))
    case 'list':
      return Buffer.concat([Buffer.from([0x90 + source.items.length]), ...source.items.map(msgpackOf)])
    case 'pairs': {
      const parts = source.pairs.flatMap(([key, value]) => [Buffer.from(encode(key)), msgpackOf(value)])
      return Buffer.concat([Buffer.from([0x80 + source.pairs.length]), ...parts])
    }
    default:
      return Buffer.from(encode(source.value, { useBigInt64: true }))
  }
}

/** Stands for a value that does not fit exactly. */
export const misfit = Symbol('misfit')

/**
 * What a column of the type holds of the value: bigints for bigint, timestamps (microseconds) and decimals (without the point),
 * numbers for doubles and dates (days), arrays, maps and objects.
 */
export function modelOf(type: LogicalType, source: Source): unknown {
  if (source.kind === 'null') return null
  switch (type.kind) {
    case 'array':
      return source.kind === 'list' ? allOrMisfit(source.items.map((item) => modelOf(type.element, item))) : misfit
    case 'map':
      return source.kind === 'pairs' ? mapModel(type, source.pairs) : misfit
    case 'row':
      return source.kind === 'pairs' ? rowModel(type, source.pairs) : misfit
    case 'json':
      return jsonOf(source)
    case 'varchar':
      return source.kind === 'text' ? source.value : jsonOf(source)
    default:
      return source.kind === 'list' || source.kind === 'pairs' ? misfit : scalarModel(type, source)
  }
}

function allOrMisfit(values: readonly unknown[]): unknown {
  return values.includes(misfit) ? misfit : values
}

function mapModel(type: LogicalType & { kind: 'map' }, pairs: readonly (readonly [string, Source])[]): unknown {
  const keys = pairs.map(([key]) => modelOf(type.key, { kind: 'text', value: key }))
  const values = pairs.map(([, value]) => modelOf(type.value, value))
  if (keys.includes(misfit) || values.includes(misfit) || new Set(keys).size < keys.length) return misfit
  return new Map(keys.map((key, index) => [key, values[index]]))
}

const folded = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

function rowModel({ fields }: LogicalType & { kind: 'row' }, pairs: readonly (readonly [string, Source])[]): unknown {
  const row = new Map<string, unknown>()
  for (const [key, value] of pairs) {
    const field = fields.find(({ name }) => name === key) ?? fields.find(({ name }) => folded(name) === folded(key))
    if (field === undefined && value.kind !== 'null') return misfit
    if (field !== undefined && row.has(field.name)) return misfit
    if (field !== undefined) row.set(field.name, modelOf(field.type, value))
  }
  if ([...row.values()].includes(misfit)) return misfit
  return Object.fromEntries(fields.map(({ name }) => [name, row.get(name) ?? null]))
}

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function scalarModel(type: LogicalType, source: Exclude<Source, { kind: 'null' | 'list' | 'pairs' }>): unknown {
  const text = String(source.value)
  const isNumber = source.kind !== 'boolean' && numberPattern.test(text)
  const [numerator, denominator] = isNumber ? fractionOf(text) : [0n, 1n]
  switch (type.kind) {
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : misfit
    case 'bigint': {
      const isPlain = isNumber && (source.kind !== 'text' || /^(?:0|-?[1-9]\d*)$/.test(text))
      if (!isPlain || numerator % denominator !== 0n) return misfit
      const value = numerator / denominator
      return BigInt.asIntN(64, value) === value ? value : misfit
    }
    case 'double': {
      if (!isNumber || !Number.isFinite(Number(text))) return misfit
      const [shortest, below] = fractionOf(String(Number(text)))
      return numerator * below === shortest * denominator ? Number(text) : misfit
    }
    case 'decimal': {
      const scaled = numerator * 10n ** BigInt(type.scale)
      if (!isNumber || scaled % denominator !== 0n) return misfit
      const value = scaled / denominator
      const size = value < 0n ? -value : value
      return size < 10n ** BigInt(type.precision) ? value : misfit
    }
    case 'date':
      return dates.includes(text) && source.kind === 'text' ? Date.parse(text) / 86_400_000 : misfit
    case 'timestamp':
      return source.kind === 'text' ? momentModel(text) : misfit
    default:
      throw new Error(`no value of type ${type.kind} was expected`)
  }
}

function momentModel(text: string): unknown {
  if (dates.includes(text)) return BigInt(Date.parse(text)) * 1000n
  if (!moments.includes(text)) return misfit
  return text === must(moments[0], 'a moment') ? 1_709_209_815_250_001n : 1_709_209_800_000_000n
}
