import type { RowFormat } from './row-format.ts'
import { textPieces } from './row-format.ts'
import { plainText } from './value-text.ts'

interface DelimitedOptions {
  readonly delimiter: string
  readonly lineEnd: string
  readonly header?: boolean
}

/**
 * Records of delimited fields (RFC 4180), after a header unless there is to be none. NULL is an empty field and the empty string a quoted one, so
 * that readers which care can tell them apart.
 */
export function delimitedFormat({ delimiter, lineEnd, header = true }: DelimitedOptions): RowFormat {
  const special = new RegExp(`^$|["\\r\\n${delimiter}]`)
  const field = (text: string): string => (special.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return async function* (columns, batches) {
    const texts = columns.map(({ type }) => plainText(type))
    if (header) yield Buffer.from(columns.map(({ name }) => field(name)).join(delimiter) + lineEnd)
    yield* textPieces(batches, (row) => {
      const fields = texts.map((text, index) => {
        const value = row[index] ?? null
        return value === null ? '' : field(text(value))
      })
      return fields.join(delimiter) + lineEnd
    })
  }
}
