import type { ByteSink } from '../../base/parquet/byte-sink.ts'
import { doubleJson } from './decimal.ts'
import { extensionInstant } from './extension-time.ts'
import { instantText } from './instant.ts'
import { putAscii, putQuoted } from './json-strings.ts'
import type { MsgpackScanner } from './msgpack-scanner.ts'
import { isUtf8Range } from './utf8.ts'

/**
 * Writes the value at `at`, which was checked before and is at most as deep as records may be, as JSON text. What JSON lacks is
 * a string there (docs/types.md). Returns the place behind the value.
 */
export function putMsgpackJson(sink: ByteSink, scanner: MsgpackScanner, at: number): number {
  const behind = scanner.header(at)
  const { bytes, view, start, end, count } = scanner
  switch (scanner.family) {
    case 'map':
      return putPairs(sink, scanner, behind, count)
    case 'array':
      return putElements(sink, scanner, behind, count)
    case 'str':
      putQuoted(sink, bytes, start, end)
      return behind
    case 'bin':
      putBase64(sink, bytes, start, end)
      return behind
    case 'ext':
      putExtension(sink, scanner, start, end)
      return behind
    case 'float':
      putFloat(sink, end - start === 4 ? view.getFloat32(start) : view.getFloat64(start))
      return behind
    case 'fixint':
      putAscii(sink, String(view.getInt8(at)))
      return behind
    case 'int':
      putAscii(sink, signedText(scanner))
      return behind
    case 'uint':
      putAscii(sink, unsignedText(scanner))
      return behind
    case 'true':
    case 'false':
      putAscii(sink, scanner.family)
      return behind
    default:
      putAscii(sink, 'null')
      return behind
  }
}

function putElements(sink: ByteSink, scanner: MsgpackScanner, start: number, count: number): number {
  let at = start
  putAscii(sink, '[')
  for (let index = 0; index < count; index += 1) {
    if (index > 0) putAscii(sink, ',')
    at = putMsgpackJson(sink, scanner, at)
  }
  putAscii(sink, ']')
  return at
}

function putPairs(sink: ByteSink, scanner: MsgpackScanner, start: number, count: number): number {
  let at = start
  putAscii(sink, '{')
  for (let index = 0; index < count; index += 1) {
    if (index > 0) putAscii(sink, ',')
    at = putKey(sink, scanner, at)
    putAscii(sink, ':')
    at = putMsgpackJson(sink, scanner, at)
  }
  putAscii(sink, '}')
  return at
}

/** JSON's keys are strings: bytes that are text are that text, and other keys are their JSON text in quotes. */
function putKey(sink: ByteSink, scanner: MsgpackScanner, at: number): number {
  const behind = scanner.header(at)
  const { bytes, start, end, family } = scanner
  if (family === 'str' || (family === 'bin' && isUtf8Range(bytes, start, end))) {
    putQuoted(sink, bytes, start, end)
    return behind
  }
  const from = sink.length
  const close = putMsgpackJson(sink, scanner, at)
  const text = sink.bytes.slice(from, sink.length)
  if (text[0] === 0x22) return close
  sink.length = from
  putQuoted(sink, text, 0, text.length)
  return close
}

function signedText({ view, start, end }: MsgpackScanner): string {
  switch (end - start) {
    case 1:
      return String(view.getInt8(start))
    case 2:
      return String(view.getInt16(start))
    case 4:
      return String(view.getInt32(start))
    default:
      return String(view.getBigInt64(start))
  }
}

function unsignedText({ view, start, end }: MsgpackScanner): string {
  switch (end - start) {
    case 1:
      return String(view.getUint8(start))
    case 2:
      return String(view.getUint16(start))
    case 4:
      return String(view.getUint32(start))
    default:
      return String(view.getBigUint64(start))
  }
}

export function putFloat(sink: ByteSink, value: number): void {
  putAscii(sink, Number.isFinite(value) ? doubleJson(value) : `"${value}"`)
}

export function putBase64(sink: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('base64')
  putAscii(sink, `"${text}"`)
}

/** A moment as a string; any other extension as its type and its bytes. */
function putExtension(sink: ByteSink, { bytes, view }: MsgpackScanner, start: number, end: number): void {
  const instant = extensionInstant(view, start, end)
  if (instant !== undefined) return putAscii(sink, `"${instantText(instant)}"`)
  putAscii(sink, `{"ext":${view.getInt8(start)},"data":`)
  putBase64(sink, bytes, start + 1, end)
  putAscii(sink, '}')
}
