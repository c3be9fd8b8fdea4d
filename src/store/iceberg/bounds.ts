import { timeColumn } from '../columns.ts'
import type { Column, ColumnStatistics } from '../store.ts'
import type { LogicalType } from '../types.ts'

// Bounds in manifests: single values in binary (Iceberg's specification, Appendix D). A bound only has to hold: one that is
// not surely right is left out, for then nothing is known, and nothing is skipped.

/** So many characters (code points) of a text are kept; readers of manifests carry all of them. */
const textCharactersMax = 32

export function lowerBound(type: LogicalType, text: string): Buffer | undefined {
  return isText(type) ? truncatedDown(text) : exactBound(type, text, 'lower')
}

export function upperBound(type: LogicalType, text: string): Buffer | undefined {
  return isText(type) ? truncatedUp(text) : exactBound(type, text, 'upper')
}

function isText(type: LogicalType): boolean {
  return type.kind === 'varchar' || type.kind === 'json'
}

function truncatedDown(text: string): Buffer {
  return Buffer.from(Array.from(text).slice(0, textCharactersMax).join(''))
}

/** The prefix with its last character raised: above every text that begins like it. None where there is no such text. */
function truncatedUp(text: string): Buffer | undefined {
  const characters = Array.from(text)
  if (characters.length <= textCharactersMax) return Buffer.from(text)
  const kept = characters.slice(0, textCharactersMax).map((character) => character.codePointAt(0) ?? 0)
  for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
    const raised = raisedCodePoint(last)
    if (raised !== undefined) return Buffer.from(String.fromCodePoint(...kept, raised))
  }
  return undefined
}

/** In UTF-8 the order of bytes is that of code points; the surrogates among them are no characters. */
function raisedCodePoint(point: number): number | undefined {
  if (point === 0x10ffff) return undefined
  return point === 0xd7ff ? 0xe000 : point + 1
}

function exactBound(type: LogicalType, text: string, side: 'lower' | 'upper'): Buffer | undefined {
  switch (type.kind) {
    case 'boolean':
      return text === 'true' || text === 'false' ? Buffer.of(text === 'true' ? 1 : 0) : undefined
    case 'bigint':
      return /^-?\d{1,19}$/.test(text) ? int64(BigInt(text)) : undefined
    case 'double':
      return doubleBound(text, side)
    case 'decimal':
      return decimalBound(text, type.scale)
    case 'date':
      return dateBound(text)
    case 'timestamp':
      return timestampBound(text)
    default:
      return undefined
  }
}

function int64(value: bigint): Buffer | undefined {
  return BigInt.asIntN(64, value) === value ? int64Bytes(value) : undefined
}

/** A long as a single value. */
export function int64Bytes(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  return bytes
}

/** -0.0 lies before +0.0 in Iceberg's order, and a zero of statistics may stand for either. */
function doubleBound(text: string, side: 'lower' | 'upper'): Buffer | undefined {
  const infinity = /^(-?)inf$/.exec(text)
  const value = infinity === null ? Number(text) : infinity[1] === '-' ? -Infinity : Infinity
  if (text === '' || Number.isNaN(value)) return undefined
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value === 0 ? (side === 'lower' ? -0 : 0) : value)
  return bytes
}

/** The unscaled value in two's complement, big-endian, in as few bytes as it takes. */
function decimalBound(text: string, scale: number): Buffer | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? []
  if (whole === '' || fraction.length !== scale) return undefined
  const unscaled = BigInt(`${sign}${whole}${fraction}`)
  let width = 1
  while (BigInt.asIntN(width * 8, unscaled) !== unscaled) width += 1
  return Buffer.from(
    BigInt.asUintN(width * 8, unscaled)
      .toString(16)
      .padStart(width * 2, '0'),
    'hex',
  )
}

/** Years of four digits: others are printed in ways that are not worth reading. */
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/
const timestampPattern = /^(\d{4}-\d{2}-\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/
const dayMs = 86_400_000

function dateBound(text: string): Buffer | undefined {
  const days = daysOf(text)
  if (days === undefined) return undefined
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(days)
  return bytes
}

function daysOf(text: string): number | undefined {
  if (!datePattern.test(text) || text.startsWith('0000')) return undefined
  // Of four digits also those below 100 are years as they stand, in this form of text.
  const ms = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(ms) ? undefined : ms / dayMs
}

function timestampBound(text: string): Buffer | undefined {
  const [, date = '', hours, minutes, seconds, fraction = ''] = timestampPattern.exec(text) ?? []
  const days = daysOf(date)
  if (days === undefined) return undefined
  const secondOfDay = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return int64((BigInt(days) * 86_400n + BigInt(secondOfDay)) * 1_000_000n + BigInt(fraction.padEnd(6, '0')))
}

/** Wider tables than that have metrics of their first columns only, as Iceberg's own writers do. */
const metricColumnsMax = 100

/** What a manifest says of the columns of one file, by field id. */
export interface ColumnMetrics {
  readonly sizes: ReadonlyMap<number, number>
  readonly valueCounts: ReadonlyMap<number, number>
  readonly nullCounts: ReadonlyMap<number, number>
  readonly lowerBounds: ReadonlyMap<number, Buffer>
  readonly upperBounds: ReadonlyMap<number, Buffer>
}

/** The metrics of a file, of which the bounds of `time` are sure: the catalog knows them by itself. */
export function columnMetrics(
  columns: readonly Column[],
  file: {
    readonly rows: number
    readonly timeRange: { readonly from: number; readonly to: number }
    readonly statistics: Readonly<Record<number, ColumnStatistics>>
  },
): ColumnMetrics {
  const metrics = {
    sizes: new Map<number, number>(),
    valueCounts: new Map<number, number>(),
    nullCounts: new Map<number, number>(),
    lowerBounds: new Map<number, Buffer>(),
    upperBounds: new Map<number, Buffer>(),
  }
  for (const { fieldId, type } of columns.slice(0, metricColumnsMax)) {
    const statistics = file.statistics[fieldId]
    if (statistics === undefined) continue
    metrics.sizes.set(fieldId, statistics.bytes)
    // The values inside of a nested column are counted otherwise than rows.
    if (type.kind === 'array' || type.kind === 'map' || type.kind === 'row') continue
    metrics.valueCounts.set(fieldId, file.rows)
    metrics.nullCounts.set(fieldId, statistics.nulls)
    const { min, max } = statistics
    const [lower, upper] = [min && lowerBound(type, min), max && upperBound(type, max)]
    if (lower) metrics.lowerBounds.set(fieldId, lower)
    if (upper) metrics.upperBounds.set(fieldId, upper)
  }
  metrics.lowerBounds.set(timeColumn.fieldId, int64Bytes(file.timeRange.from))
  metrics.upperBounds.set(timeColumn.fieldId, int64Bytes(file.timeRange.to - 1))
  return metrics
}
