import type { BareFormat, ResultFormat } from '../deliver.ts'
import { delimitedFormat } from './delimited.ts'
import { jsonFormat, jsonRowsFormat, ndjsonFormat } from './json.ts'
import { msgpackFormat } from './msgpack.ts'
import type { RowFormat } from './row-format.ts'

/** How rows are written in a format; what is compressed besides is MessagePack. */
export function rowFormatOf(format: Exclude<ResultFormat | BareFormat, 'parquet'>): RowFormat {
  switch (format) {
    case 'json':
      return jsonFormat
    case 'ndjson':
      return ndjsonFormat
    case 'csv':
      return delimitedFormat({ delimiter: ',', lineEnd: '\r\n' })
    case 'tsv':
      return delimitedFormat({ delimiter: '\t', lineEnd: '\n' })
    case 'json.rows':
      return jsonRowsFormat
    case 'csv.rows':
      return delimitedFormat({ delimiter: ',', lineEnd: '\r\n', header: false })
    case 'tsv.rows':
      return delimitedFormat({ delimiter: '\t', lineEnd: '\n', header: false })
    default:
      return msgpackFormat
  }
}
