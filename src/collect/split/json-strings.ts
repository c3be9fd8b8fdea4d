import type { ByteSink } from '../../base/parquet/byte-sink.ts'

const backslash = 0x5c
const letterU = 0x75

/** What stands for a character behind a backslash (RFC 8259 §7), by its code; 0 where nothing does. `u` is not here. */
export const escapeMeaning = Uint8Array.from({ length: 256 }, (_, letter) => {
  const place = '"\\/bfnrt'.indexOf(String.fromCharCode(letter))
  return place === -1 ? 0 : '"\\/\b\f\n\r\t'.charCodeAt(place)
})

/** The value of four hexadecimal digits; -1 where one is none. */
export function hexValue(bytes: Uint8Array, start: number): number {
  let value = 0
  for (let at = start; at < start + 4; at += 1) {
    const digit = hexDigit(bytes[at] ?? 0)
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

export const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
export const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/**
 * Says whether JSON text, of which the escapes were checked before, has half of a surrogate pair in it: such a string has
 * no form in UTF-8.
 */
export function hasUnpairedSurrogate(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== backslash) continue
    at += 1
    if (bytes[at] !== letterU) continue
    const unit = hexValue(bytes, at + 1)
    at += 4
    if (isLowSurrogate(unit)) return true
    if (!isHighSurrogate(unit)) continue
    if (bytes[at + 1] !== backslash || bytes[at + 2] !== letterU || !isLowSurrogate(hexValue(bytes, at + 3)))
      return true
    at += 6
  }
  return false
}

/** Writes the string that the JSON text between quotes stands for. Its escapes are well formed, its surrogates paired. */
export function putUnescaped(sink: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  let from = start
  for (let at = start; at < end; at += 1) {
    if (bytes[at] !== backslash) continue
    sink.appendRange(bytes, from, at)
    const letter = bytes[at + 1] as number
    if (letter === letterU) {
      const unit = hexValue(bytes, at + 2)
      at += 5
      if (isHighSurrogate(unit)) {
        putCodePoint(sink, 0x10000 + ((unit - 0xd800) << 10) + (hexValue(bytes, at + 3) - 0xdc00))
        at += 6
      } else putCodePoint(sink, unit)
    } else {
      sink.byte(escapeMeaning[letter] as number)
      at += 1
    }
    from = at + 1
  }
  sink.appendRange(bytes, from, end)
}

function putCodePoint(sink: ByteSink, point: number): void {
  if (point < 0x80) return sink.byte(point)
  if (point < 0x800) sink.byte(0xc0 | (point >> 6))
  else {
    if (point < 0x10000) sink.byte(0xe0 | (point >> 12))
    else {
      sink.byte(0xf0 | (point >> 18))
      sink.byte(0x80 | ((point >> 12) & 0x3f))
    }
    sink.byte(0x80 | ((point >> 6) & 0x3f))
  }
  sink.byte(0x80 | (point & 0x3f))
}

const quote = 0x22
const hexDigits = '0123456789abcdef'

/** Writes UTF-8 text as a JSON string, quotes and all: only what must be escaped is. */
export function putQuoted(sink: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  sink.byte(quote)
  for (let at = start; at < end; at += 1) {
    const code = bytes[at] as number
    if (code === quote || code === backslash) {
      sink.byte(backslash)
      sink.byte(code)
    } else if (code < 0x20) putAscii(sink, `\\u00${hexDigits[code >> 4]}${hexDigits[code & 15]}`)
    else sink.byte(code)
  }
  sink.byte(quote)
}

export function putAscii(sink: ByteSink, text: string): void {
  const bytes = sink.reserve(text.length)
  for (let index = 0; index < text.length; index += 1) bytes[sink.length + index] = text.charCodeAt(index)
  sink.length += text.length
}
