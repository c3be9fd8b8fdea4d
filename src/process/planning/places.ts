import type { ErrorPosition } from '../../base/errors.ts'

/** The position of a character of the SQL: from 0, and by line and column from 1, as people count. */
export function placeAt(sql: string, offset: number): Required<ErrorPosition> {
  const before = sql.slice(0, Math.max(0, offset))
  const lineStart = before.lastIndexOf('\n') + 1
  return { offset, line: before.split('\n').length, column: offset - lineStart + 1 }
}

/** DuckDB counts in bytes of UTF-8, JavaScript in characters. Bytes outside of the SQL give no character. */
export function characterOfByte(sql: string, byte: number): number | undefined {
  const bytes = Buffer.from(sql)
  return byte < 0 || byte > bytes.length ? undefined : bytes.subarray(0, byte).toString().length
}
