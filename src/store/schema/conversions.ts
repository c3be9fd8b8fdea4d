import type { LogicalType } from '../types.ts'
import { duckdbFileType, duckdbType, isScalar } from '../types.ts'
import { sourceWords } from './source-words.ts'
import { nestedReading } from './nested-readings.ts'
import { typeReading, unquotedWord } from './type-readings.ts'

/**
 * How the values of one type become those of another: exactly as if they had been imported into a column of the new type.
 * SQL in steps of named expressions, over `value` (of the old type) and `rescued` (JSON text, where it says more).
 */
export interface Conversion {
  /** Each step may use the names of those before it. */
  readonly steps: readonly Readonly<Record<string, string>>[]
  /** The value of the new type, the nearest where it has none that says all; NULL where nothing fits. */
  readonly value: string
  /** The JSON text that has to be rescued; NULL where the value says all. */
  readonly rescued: string
}

/** As above; `from` is null for values that are nowhere but in `_rescued`. */
export function conversion(from: LogicalType | null, to: LogicalType): Conversion {
  const { raw, word, isString, json } = from === null ? nowhere : sourceWords(from)
  const type = duckdbFileType(to)
  const shortcut = (from === null ? undefined : shortcutOf(from, to)) ?? 'NULL'
  const reading = isScalar(to) ? typeReading(to) : nestedReading(to)
  return {
    steps: [
      { shortcut: `CAST(CASE WHEN rescued IS NULL THEN ${shortcut} END AS ${type})` },
      { raw: `CASE WHEN shortcut IS NULL THEN nullif(coalesce(rescued, ${raw}), 'null') END` },
      {
        word: `CASE WHEN shortcut IS NOT NULL THEN NULL WHEN raw IS NULL THEN ${word} ELSE ${unquotedWord} END`,
        is_string: `CASE WHEN raw IS NULL THEN ${isString} ELSE starts_with(raw, '"') END`,
      },
      ...reading.steps,
      { read: `CAST(${reading.value} AS ${type})` },
      { is_whole: `shortcut IS NOT NULL OR (read IS NOT NULL AND coalesce(${reading.isWhole}, false))` },
    ],
    value: `CAST(coalesce(shortcut, read) AS ${type})`,
    rescued: `CASE WHEN NOT is_whole THEN coalesce(raw, ${json}) END`,
  }
}

/** The source of a column that was not there. */
const nowhere = { raw: 'NULL', word: 'NULL', isString: 'false', json: 'NULL' }

/**
 * Expressions that give the value at once where they give any. Most spare the way through text; a timestamp at midnight,
 * which that way would not be a date, becomes one; and bytes that are UTF-8 become the text that they are.
 */
function shortcutOf(from: LogicalType, to: LogicalType): string | undefined {
  switch (`${from.kind} ${to.kind}`) {
    case 'bigint double':
      return 'CASE WHEN value BETWEEN -9007199254740992 AND 9007199254740992 THEN value::DOUBLE END'
    case 'bigint varchar':
      return 'value::VARCHAR'
    case 'bigint decimal':
      return `try_cast(value AS ${duckdbType(to)})`
    case 'double bigint':
      return 'CASE WHEN value = trunc(value) AND abs(value) <= 9007199254740992 THEN value::BIGINT END'
    case 'date timestamp':
      return 'CASE WHEN isfinite(value) THEN try_cast(value AS TIMESTAMP) END'
    case 'timestamp date':
      return "CASE WHEN isfinite(value) AND value = date_trunc('day', value) THEN value::DATE END"
    case 'varbinary varchar':
      return 'try(decode(value))'
    case 'varbinary json':
      return `'"' || base64(value) || '"'`
    default:
      return undefined
  }
}
