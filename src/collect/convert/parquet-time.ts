import { DuckDBTypeId } from '@duckdb/node-api'

import { AppError } from '../../base/errors.ts'
import { quotedName } from '../../store/types.ts'
import type { SourceColumn } from './parquet-columns.ts'
import { logicalTypeOf } from './parquet-types.ts'

/**
 * SQL of the microseconds since the epoch that a column says, null where it says none. Numbers are seconds, milliseconds,
 * microseconds or nanoseconds by their magnitude, as everywhere (docs/types.md).
 */
export function microsecondsOf(source: SourceColumn): string {
  const value = quotedName(source.name)
  if (source.type.typeId === DuckDBTypeId.TIMESTAMP_NS) {
    const nanoseconds = `epoch_ns(${value})`
    return `case when isfinite(${value}) then ${nanoseconds} // 1000 - ${isBefore(nanoseconds)} end`
  }
  const number = `try_cast(${value} as decimal(38,9))`
  switch (logicalTypeOf(source.type)?.kind) {
    case 'date':
    case 'timestamp':
      return `case when isfinite(${value}) then epoch_us(${value}) end`
    case 'bigint':
    case 'double':
    case 'decimal':
      return ofNumber(number)
    case 'varchar':
      return `coalesce(epoch_us(try_cast(${value} as timestamptz)), ${ofNumber(number)})`
    default:
      throw new AppError(
        'body_malformed',
        `The column ${JSON.stringify(source.name)} of the type ${String(source.type)} cannot say a time.`,
        { hint: 'Name another column as time_column: a number, a text, a date or a timestamp.' },
      )
  }
}

/** 1 where the nanoseconds lie before the epoch and are not whole microseconds: divisions round toward zero. */
function isBefore(nanoseconds: string): string {
  return `(case when ${nanoseconds} < 0 and ${nanoseconds} % 1000 <> 0 then 1 else 0 end)`
}

function ofNumber(number: string): string {
  const size = `abs(${number})`
  const scaled = `case when ${size} < 1e11 then ${number} * 1000000
    when ${size} < 1e14 then ${number} * 1000
    when ${size} < 1e17 then ${number}
    when ${size} < 9223372036854775807 then ${number} / 1000 end`
  return `try_cast(floor(${scaled}) as bigint)`
}
