import type { DuckDBValue } from '@duckdb/node-api'

import type { LogicalType } from '../../store/types.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import type { RowFormat } from './row-format.ts'
import { bytesOf, entriesOf, fieldsOf, listOf, plainText } from './value-text.ts'

type Put = (writer: MsgpackWriter, value: DuckDBValue) => void

const pieceBytesMin = 1 << 18

/** One array per row, one after the other, as Treasure Data delivers results. */
export const msgpackFormat: RowFormat = async function* (columns, batches) {
  const puts = columns.map(({ type }) => putOf(type))
  const writer = new MsgpackWriter()
  for await (const rows of batches) {
    for (const row of rows) {
      writer.arrayOf(puts.length)
      for (const [index, put] of puts.entries()) put(writer, row[index] ?? null)
      if (writer.bytes >= pieceBytesMin) yield writer.take()
    }
  }
  yield writer.take()
}

/** Decimals have no form in MessagePack: they are their text, as are dates, timestamps and JSON. */
function putOf(type: LogicalType): Put {
  const put = putThere(type)
  return (writer, value) => (value === null ? writer.nil() : put(writer, value))
}

function putThere(type: LogicalType): Put {
  switch (type.kind) {
    case 'boolean':
      return (writer, value) => writer.boolean(value === true)
    case 'bigint':
      return (writer, value) => writer.integer(BigInt(value as bigint | number))
    case 'double':
      return (writer, value) => writer.double(Number(value))
    case 'varbinary':
      return (writer, value) => writer.binary(bytesOf(value))
    case 'array': {
      const put = putOf(type.element)
      return (writer, value) => {
        const items = listOf(value)
        writer.arrayOf(items.length)
        for (const item of items) put(writer, item)
      }
    }
    case 'map': {
      const [putKey, putValue] = [putOf(type.key), putOf(type.value)]
      return (writer, value) => {
        const entries = entriesOf(value)
        writer.mapOf(entries.length)
        for (const entry of entries) {
          putKey(writer, entry.key)
          putValue(writer, entry.value)
        }
      }
    }
    case 'row':
      return putRow(type)
    default: {
      const text = plainText(type)
      return (writer, value) => writer.text(text(value))
    }
  }
}

function putRow({ fields }: LogicalType & { kind: 'row' }): Put {
  const puts = fields.map(({ name, type }) => ({ name, put: putOf(type) }))
  return (writer, value) => {
    const entries = fieldsOf(value)
    writer.mapOf(puts.length)
    for (const { name, put } of puts) {
      writer.text(name)
      put(writer, entries[name] ?? null)
    }
  }
}
