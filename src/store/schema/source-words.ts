import type { LogicalType } from '../types.ts'
import { duckdbType } from '../types.ts'

/**
 * What a value says, in the three ways in which the rules of docs/types.md ask for it, as SQL over `value` (a column of the
 * type) and `rescued` (JSON text that holds more than the value does, mostly NULL).
 */
export interface SourceWords {
  /** JSON text where it is what the value is; NULL where the value speaks for itself. */
  readonly raw: string
  /** What the value says as text, without quotes; of no meaning where `raw` is there. */
  readonly word: string
  /** Whether the word is a string, and not a number, a truth value or a nested value. */
  readonly isString: string
  /** The value as JSON text, over `raw` and `word`. */
  readonly json: string
}

/** How values of the type say what they are. */
export function sourceWords(type: LogicalType): SourceWords {
  switch (type.kind) {
    case 'boolean':
    case 'bigint':
    case 'decimal':
      return { raw: 'NULL', word: 'value::VARCHAR', isString: 'false', json: 'word' }
    case 'double':
      return {
        raw: 'NULL',
        word: doubleWord,
        isString: 'NOT isfinite(value)',
        json: `CASE WHEN isfinite(value) THEN word ELSE '"' || word || '"' END`,
      }
    case 'varchar':
      return { raw: nestedText, word: 'value', isString: 'true', json: 'to_json(word)::VARCHAR' }
    case 'json':
      return { raw: 'value::VARCHAR', word: 'NULL', isString: 'false', json: 'NULL' }
    case 'date':
      return { raw: 'NULL', word: dateWord, isString: 'true', json: `'"' || word || '"'` }
    case 'timestamp':
      return { raw: 'NULL', word: timestampWord, isString: 'true', json: `'"' || word || '"'` }
    case 'varbinary':
      // Bytes are text only for columns of text (typeReading); elsewhere base64 might pass for a number.
      return { raw: 'NULL', word: 'NULL', isString: 'true', json: `'"' || base64(value) || '"'` }
    default:
      return {
        raw: `to_json(CAST(value AS ${duckdbType(type)}))::VARCHAR`,
        word: 'NULL',
        isString: 'false',
        json: 'NULL',
      }
  }
}

/** Text columns hold arrays and objects as their JSON text, so text that is one is taken for one. */
const nestedText = `CASE WHEN regexp_matches(value, '^[\\[{]') THEN CASE WHEN json_valid(value) THEN value END END`

/** Strict years of four digits where they are such, so that the text is read back to the same day. */
const dateWord = `CASE WHEN isfinite(value) AND year(value) BETWEEN 0 AND 9999 THEN strftime(value, '%Y-%m-%d') ELSE value::VARCHAR END`

/** As the moments of MessagePack: `2023-11-14T22:13:20.25Z`. */
const timestampWord = `CASE WHEN isfinite(value) AND year(value) BETWEEN 0 AND 9999 THEN strftime(value, '%Y-%m-%dT%H:%M:%S') || rtrim(rtrim(strftime(value, '.%f'), '0'), '.') || 'Z' ELSE value::VARCHAR END`

const text = 'value::VARCHAR'
const sign = `CASE WHEN value < 0 THEN '-' ELSE '' END`
/** The digits of the text with an exponent that DuckDB gives very large and very small numbers, and the exponent. */
const digits = `regexp_replace(${text}, '^-|[.]|e.*$', '', 'g')`
const power = `regexp_extract(${text}, 'e(.*)$', 1)::INTEGER`

/**
 * The shortest digits that read back as the same double, in the form that JSON made by programs has: the form of
 * ECMAScript, but for zero with a sign. DuckDB has the same digits, and puts them into other exponents.
 */
const doubleWord = `CASE
  WHEN isnan(value) THEN 'NaN'
  WHEN isinf(value) THEN CASE WHEN value < 0 THEN '-Infinity' ELSE 'Infinity' END
  WHEN value = 0 THEN CASE WHEN signbit(value) THEN '-0.0' ELSE '0' END
  WHEN NOT contains(${text}, 'e') THEN regexp_replace(${text}, '[.]0$', '')
  WHEN abs(value) >= 1e21 OR abs(value) < 1e-6 THEN regexp_replace(regexp_replace(${text}, 'e([+-])0', 'e\\1'), '[.]0e', 'e')
  WHEN abs(value) > 1 THEN ${sign} || rpad(${digits}, ${power} + 1, '0')
  ELSE ${sign} || '0.' || repeat('0', -(${power}) - 1) || ${digits}
END`
