import { formatType } from '../../store/types.ts'
import type { StoredColumn } from '../stored-result.ts'
import type { Row, RowFormat } from './row-format.ts'
import { textPieces } from './row-format.ts'
import { uniqueNames } from './unique-names.ts'
import type { ValueText } from './value-text.ts'
import { jsonText } from './value-text.ts'

/** `{"columns":[{"name":…,"type":…}],"rows":[[…],…]}`: names may repeat, and each row is an array. */
export const jsonFormat: RowFormat = async function* (columns, batches) {
  const described = columns.map(({ name, type }) => ({ name, type: formatType(type) }))
  const texts = textsOf(columns)
  yield Buffer.from(`{"columns":${JSON.stringify(described)},"rows":[`)
  yield* textPieces(batches, (row, number) => `${number === 0 ? '\n' : ',\n'}[${values(row, texts).join(',')}]`)
  yield Buffer.from('\n]}\n')
}

/** An array for each row, on a line of its own. */
export const jsonRowsFormat: RowFormat = (columns, batches) => {
  const texts = textsOf(columns)
  return textPieces(batches, (row) => `[${values(row, texts).join(',')}]\n`)
}

/** One object per line; names that repeat are made different. */
export const ndjsonFormat: RowFormat = (columns, batches) => {
  const labels = uniqueNames(columns.map(({ name }) => name)).map((name) => `${JSON.stringify(name)}:`)
  const texts = textsOf(columns)
  return textPieces(batches, (row) => {
    const fields = values(row, texts).map((text, index) => `${labels[index]}${text}`)
    return `{${fields.join(',')}}\n`
  })
}

function textsOf(columns: readonly StoredColumn[]): readonly ValueText[] {
  return columns.map(({ type }) => jsonText(type))
}

function values(row: Row, texts: readonly ValueText[]): string[] {
  return texts.map((text, index) => {
    const value = row[index] ?? null
    return value === null ? 'null' : text(value)
  })
}
