import { assert } from '../../base/errors.ts'
import type { LogicalType } from '../types.ts'
import { duckdbType } from '../types.ts'
import { isNumberText, numberParts, scaledDigits } from './number-parts.ts'

/** How a type reads a value, as SQL over `raw`, `word` and `is_string`. */
export interface TypeReading {
  /** Named expressions that the others use, step by step: each may use those of the steps before. */
  readonly steps: readonly Readonly<Record<string, string>>[]
  /** NULL where nothing of it fits. */
  readonly value: string
  /** Whether `value`, which is there, says all that was said. */
  readonly isWhole: string
}

/** The word of a JSON text. Half of a surrogate pair has no form in UTF-8: such a text says nothing to any column. */
export const unquotedWord = `CASE
    WHEN starts_with(raw, '"') THEN CASE WHEN json_valid(raw) THEN raw ->> '$' END
    WHEN regexp_matches(raw, '^[\\[{]') THEN CASE WHEN json_valid(raw) THEN raw END
    ELSE raw
  END`

/** Reads a value by the rules of docs/types.md, “Into the columns of a table”: the same that the splitter follows. */
export function typeReading(type: LogicalType): TypeReading {
  switch (type.kind) {
    case 'boolean':
      return plain(`CASE word WHEN 'true' THEN true WHEN 'false' THEN false END`)
    case 'bigint':
      return bigintReading
    case 'double':
      return doubleReading
    case 'decimal':
      return decimalReading(type)
    case 'varchar':
      return plain('word')
    case 'json':
      return plain(`CASE
  WHEN raw IS NULL THEN CASE WHEN is_string THEN to_json(word)::VARCHAR ELSE word END
  WHEN json_valid(raw) THEN raw
END`)
    case 'date':
      return plain(`CASE WHEN is_string AND regexp_matches(word, '^${isoDate}$') THEN try_cast(word AS DATE) END`)
    case 'timestamp':
      return timestampReading
    default:
      // JSON text cannot tell bytes from a string in base64.
      return plain(`CAST(NULL AS ${duckdbType(type)})`)
  }
}

function plain(value: string): TypeReading {
  return { steps: [], value, isWhole: 'true' }
}

/** Longer strings are not looked at as numbers. */
const numberStringBytesMax = 1100

const isNumber = `(${isNumberText('word')} AND NOT (is_string AND strlen(word) > ${numberStringBytesMax}))`

/** Text is an integer only as a program writes it; a number may have a fraction of zeros, and an exponent. */
const bigintReading: TypeReading = {
  steps: [
    ...numberParts(`CASE WHEN NOT is_string AND regexp_matches(word, '[.eE]') THEN word END`, 'number_'),
    { number_integer: scaledDigits('number_', 0, 19) },
  ],
  value: `CASE
  WHEN is_string THEN CASE WHEN regexp_matches(word, '^(0|-?[1-9][0-9]{0,18})$') THEN try_cast(word AS BIGINT) END
  WHEN regexp_matches(word, '^-?(0|[1-9][0-9]*)$') THEN try_cast(word AS BIGINT)
  WHEN ${isNumberText('word')} THEN try_cast(number_parts.sign || number_integer AS BIGINT)
END`,
  isWhole: 'true',
}

/** Fifteen digits without an exponent are in a double whatever they are. */
const isShortNumber = `strlen(word) <= 15 AND NOT regexp_matches(word, '[eE]')`

/** The nearest double; whole where the digits that DuckDB would show of it are the same number. */
const doubleReading: TypeReading = {
  steps: [
    { nearest: `CASE WHEN ${isNumber} THEN try_cast(word AS DOUBLE) END` },
    { finite: `CASE WHEN isfinite(nearest) THEN nearest END`, is_short: isShortNumber },
    ...zipped(
      numberParts(`CASE WHEN NOT is_short THEN word END`, 'number_'),
      numberParts(`CASE WHEN NOT is_short THEN finite::VARCHAR END`, 'nearest_'),
    ),
  ],
  value: 'finite',
  isWhole: "(is_short OR (number_digits = nearest_digits AND (number_power = nearest_power OR number_digits = '')))",
}

function zipped(
  one: readonly Readonly<Record<string, string>>[],
  other: readonly Readonly<Record<string, string>>[],
): Readonly<Record<string, string>>[] {
  assert(one.length === other.length, 'numbers are taken apart in as many steps')
  return one.map((step, index) => ({ ...step, ...other[index] }))
}

function decimalReading(type: LogicalType & { kind: 'decimal' }): TypeReading {
  const { precision, scale } = type
  // The digits with at least one before the point.
  const padded = `lpad(scaled, greatest(strlen(scaled), ${scale + 1})::INTEGER, '0')`
  const pointed = `left(${padded}, -${scale}) || '.' || right(${padded}, ${scale})`
  return {
    steps: [
      ...numberParts(`CASE WHEN ${isNumber} THEN word END`, 'number_'),
      { scaled: scaledDigits('number_', scale, precision) },
    ],
    value: `CAST(number_parts.sign || ${scale === 0 ? 'scaled' : pointed} AS ${duckdbType(type)})`,
    isWhole: 'true',
  }
}

const isoDate = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const clock = '([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]+))?)?'
const zone = ' *(?:[Zz]|UTC|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)'
const moment = `'^([0-9]{4}[-/][0-9]{2}[-/][0-9]{2})(?:[ Tt]${clock}(?:${zone})?)?$'`
const momentGroups = `['day', 'hour', 'minute', 'second', 'fraction', 'side', 'hours', 'minutes']`

/** Nothing, where a group found none. */
const counted = (group: string, microseconds: number) =>
  `CASE moment.${group} WHEN '' THEN 0 ELSE moment.${group}::BIGINT * ${microseconds} END`

/** Text as people and programs write moments; digits below microseconds are cut, towards the past. */
const timestampReading: TypeReading = {
  steps: [
    { moment: `CASE WHEN is_string THEN regexp_extract(word, ${moment}, ${momentGroups}) END` },
    {
      day: `CASE WHEN moment.day[5] = moment.day[8] THEN try_cast(replace(moment.day, '/', '-') AS DATE) END`,
      of_day: `${counted('hour', 3_600_000_000)} + ${counted('minute', 60_000_000)} + ${counted('second', 1_000_000)}`,
      of_second: `CASE moment.fraction WHEN '' THEN 0 ELSE rpad(moment.fraction, 6, '0')::BIGINT END`,
      east: `CASE moment.side WHEN '-' THEN -1 ELSE 1 END * (${counted('hours', 3_600_000_000)} + ${counted('minutes', 60_000_000)})`,
    },
  ],
  value: 'make_timestamp(epoch_us(day) + of_day + of_second - east)',
  isWhole: `regexp_matches(moment.fraction, '^[0-9]{0,6}0*$')`,
}
