import type { RowFormat } from './row-format.ts'
import { textPieces } from './row-format.ts'
import { plainText } from './value-text.ts'

/**
 * Records of delimited fields after a header (RFC 4180). NULL is an empty field and the empty string a quoted one, so
 * that readers which care can tell them apart.
 */
export function delimitedFormat({ delimiter, lineEnd }: { delimiter: string; lineEnd: string }): RowFormat {
  const special = new RegExp(`^$|["\\r\\n${delimiter}]`)
  const field = (text: string): string => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return async function* (columns, chunks) {
    const texts = columns.map(({ type }) => plainText(type))
    yield Buffer.from(columns.map(({ name }) => field(name)).join(delimiter) + lineEnd)
    yield* textPieces(chunks, (row) => {
      const fields = texts.map((text, index) => {
        const value = row[index] ?? null
        return value === null ? '' : field(text(value))
      })
      return fields.join(delimiter) + lineEnd
    })
  }
}
