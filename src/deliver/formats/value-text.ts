import type { DuckDBValue } from '@duckdb/node-api'
import { DuckDBBlobValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue } from '@duckdb/node-api'

import { must } from '../../base/errors.ts'
import type { LogicalType } from '../../store/types.ts'

/** The text of a value that is there, exact to the digit. */
export type ValueText = (value: DuckDBValue) => string

/**
 * The text of scalars, without quotes: digits, `true`, `2024-02-03 04:05:06.7`, base64 for bytes. Nested values have
 * no text but JSON.
 */
export function plainText(type: LogicalType): ValueText {
  switch (type.kind) {
    case 'double':
      return doubleText
    case 'varbinary':
      return (value) => bytesOf(value).toString('base64')
    case 'array':
    case 'map':
    case 'row':
      return jsonText(type)
    default:
      return String
  }
}

/**
 * The value as JSON. Integers and decimals are numerals with all their digits, which need a careful reader beyond 2^53;
 * doubles that JSON has no numeral for are the strings "NaN", "Infinity" and "-Infinity".
 */
export function jsonText(type: LogicalType): ValueText {
  switch (type.kind) {
    case 'boolean':
    case 'bigint':
    case 'decimal':
      return String
    case 'double':
      return (value) => (Number.isFinite(value) ? doubleText(value) : `"${String(value)}"`)
    case 'json':
      return (value) => compactJson(String(value))
    case 'array':
      return arrayText(type)
    case 'map':
      return mapText(type)
    case 'row':
      return rowText(type)
    default: {
      const text = plainText(type)
      return (value) => JSON.stringify(text(value))
    }
  }
}

const orNull =
  (text: ValueText): ValueText =>
  (value) =>
    value === null ? 'null' : text(value)

function arrayText({ element }: LogicalType & { kind: 'array' }): ValueText {
  const text = orNull(jsonText(element))
  return (value) => `[${listOf(value).map(text).join(',')}]`
}

/** An object; keys that are no strings are their text. */
function mapText({ key, value: of }: LogicalType & { kind: 'map' }): ValueText {
  const [keyText, text] = [plainText(key), orNull(jsonText(of))]
  return (value) => {
    const entries = entriesOf(value).map((entry) => `${JSON.stringify(keyText(entry.key))}:${text(entry.value)}`)
    return `{${entries.join(',')}}`
  }
}

function rowText({ fields }: LogicalType & { kind: 'row' }): ValueText {
  const texts = fields.map(({ name, type }) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    text: orNull(jsonText(type)),
  }))
  return (value) => {
    const entries = fieldsOf(value)
    return `{${texts.map(({ name, label, text }) => label + text(entries[name] ?? null)).join(',')}}`
  }
}

/** The shortest text that reads back as the same double. */
function doubleText(value: DuckDBValue): string {
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** JSON text without the blanks between its tokens, so that it fits on a line; what is no JSON becomes a string. */
export function compactJson(text: string): string {
  try {
    JSON.parse(text)
  } catch {
    return JSON.stringify(text)
  }
  // Strings are kept as they are; numerals keep their digits, which a round trip through JSON.parse would not.
  return text.replaceAll(/("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g, '$1')
}

// What DuckDB's client calls the values. A type that does not fit its column is a bug.

export function bytesOf(value: DuckDBValue): Buffer {
  const { bytes } = must(value instanceof DuckDBBlobValue ? value : null, 'a varbinary is bytes')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function listOf(value: DuckDBValue): readonly DuckDBValue[] {
  return must(value instanceof DuckDBListValue ? value : null, 'an array is a list').items
}

export function entriesOf(value: DuckDBValue): readonly { key: DuckDBValue; value: DuckDBValue }[] {
  return must(value instanceof DuckDBMapValue ? value : null, 'a map is a map').entries
}

export function fieldsOf(value: DuckDBValue): Readonly<Record<string, DuckDBValue>> {
  return must(value instanceof DuckDBStructValue ? value : null, 'a row is a struct').entries
}
