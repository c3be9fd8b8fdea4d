import { must } from '../../base/errors.ts'
import type { ByteSink } from '../../base/parquet/byte-sink.ts'
import { doubleJson } from './decimal.ts'
import { extensionInstant } from './extension-time.ts'
import { instantText } from './instant.ts'
import { putAscii, putQuoted } from './json-strings.ts'
import { putBase64, putFloat, putMsgpackJson } from './msgpack-json.ts'
import type { ValueTape } from './value-tape.ts'
import { valueKind } from './value-tape.ts'

/** The digits of a number: those of the source in JSON; in MessagePack all digits of integers, the shortest of doubles. */
export function numberText(tape: ValueTape, field: number): string {
  if (tape.msgpack === undefined) return tape.slice(field)
  switch (tape.kinds[field]) {
    case valueKind.wide:
      return String(tape.wide(field))
    case valueKind.huge:
      return String(tape.msgpack.view.getBigUint64(tape.starts[field] as number))
    default:
      return doubleJson(tape.numbers[field] as number)
  }
}

/** Writes a value as text: as `putJson`, but strings, moments and what is no number without quotes. */
export function putText(sink: ByteSink, tape: ValueTape, field: number): void {
  const kind = tape.kinds[field]
  if (kind === valueKind.string || kind === valueKind.escaped) {
    tape.locateText(field)
    sink.appendRange(tape.textBytes, tape.textStart, tape.textEnd)
  } else if (tape.msgpack === undefined) putJson(sink, tape, field)
  else if (kind === valueKind.timestamp) putAscii(sink, momentText(tape, field))
  else if (kind === valueKind.float) putAscii(sink, numberText(tape, field))
  else putJson(sink, tape, field)
}

/** Writes a value as JSON text: of JSON the source text, of MessagePack what stands for it in docs/types.md. */
export function putJson(sink: ByteSink, tape: ValueTape, field: number): void {
  const start = tape.starts[field] as number
  const end = tape.ends[field] as number
  const kind = tape.kinds[field]
  if (tape.msgpack === undefined) {
    const isQuoted = kind === valueKind.string || kind === valueKind.escaped
    return sink.appendRange(tape.bytes, isQuoted ? start - 1 : start, isQuoted ? end + 1 : end)
  }
  switch (kind) {
    case valueKind.string:
      return putQuoted(sink, tape.bytes, start, end)
    case valueKind.binary:
      return putBase64(sink, tape.bytes, start, end)
    case valueKind.timestamp:
      return putAscii(sink, `"${momentText(tape, field)}"`)
    case valueKind.float:
      return putFloat(sink, tape.numbers[field] as number)
    case valueKind.integer:
    case valueKind.wide:
    case valueKind.huge:
      return putAscii(sink, numberText(tape, field))
    default:
      // Ranges of what is left, booleans and nested values, begin at the header.
      putMsgpackJson(sink, tape.msgpack, start)
  }
}

function momentText(tape: ValueTape, field: number): string {
  const view = must(tape.msgpack, 'moments are of MessagePack').view
  const instant = extensionInstant(view, tape.starts[field] as number, tape.ends[field] as number)
  return instantText(must(instant, 'the reader found a moment'))
}
