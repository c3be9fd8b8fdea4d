import { viewOf } from '../../base/parquet/byte-sink.ts'
import type { Failure } from './failure.ts'
import { escapeMeaning, hexValue, isHighSurrogate, isLowSurrogate } from './json-strings.ts'
import { isUtf8Range } from './utf8.ts'

export const code = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  colon: 0x3a,
  openArray: 0x5b,
  backslash: 0x5c,
  closeArray: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const

const ordinary = 0
const closing = 1
const beyondAscii = 2
const special = 3

/** What a byte does inside of a string: one look-up decides for nearly all bytes. */
const roleInString = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === code.quote) return closing
  if (byte >= 0x80) return beyondAscii
  return byte < code.space || byte === code.backslash ? special : ordinary
})

/**
 * Says whether four bytes are all ordinary, with the arithmetic for "has a byte that is zero" or "less than": where a byte is
 * below what is taken from it, its highest bit is set by the borrow.
 */
function isOrdinaryWord(word: number): boolean {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  const belowSpace = (word - 0x20202020) & ~word
  const hits = belowSpace | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes) | word
  return (hits & 0x80808080) === 0
}

/** What stands instead of the end of a value that cannot be read. */
export const unreadable = -1

/**
 * Checks JSON (RFC 8259) byte by byte without making values of it. Each method takes the place where something begins and
 * returns the place behind it, or `unreadable` with the reason in `failure`. Nothing recurses: depth costs no stack.
 */
export class JsonScanner {
  bytes: Uint8Array
  view: DataView
  readonly #lineFeedIsSpace: boolean
  #isAllUtf8: boolean
  readonly #depthMax: number
  /** For each open level below the record, whether it is an object. */
  readonly #isObjectAt: Uint8Array
  failure: Failure = { reason: 'json_syntax', detail: '' }
  /** Whether the last string had an escape. */
  sawEscape = false
  /** Whether a string since it was last put to false had the escape of a surrogate. */
  sawSurrogate = false

  constructor(bytes: Uint8Array, lineFeedIsSpace: boolean, isAllUtf8: boolean, depthMax: number) {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.#lineFeedIsSpace = lineFeedIsSpace
    this.#isAllUtf8 = isAllUtf8
    this.#depthMax = depthMax
    this.#isObjectAt = new Uint8Array(depthMax + 2)
  }

  /** Goes on with other bytes. */
  reopen(bytes: Uint8Array, isAllUtf8: boolean): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.#isAllUtf8 = isAllUtf8
  }

  fail(reason: Failure['reason'], detail: string): typeof unreadable {
    this.failure = { reason, detail }
    return unreadable
  }

  /** Fails because something else is at this place than `wanted`. */
  unexpected(at: number, wanted: string): typeof unreadable {
    const found = this.bytes[at]
    if (found === undefined) return this.fail('truncated', `the body ends where ${wanted} should be`)
    if (found === code.lineFeed && !this.#lineFeedIsSpace) {
      return this.fail('json_syntax', `the line ends where ${wanted} should be`)
    }
    return this.fail('json_syntax', `${shownByte(found)} where ${wanted} should be`)
  }

  skipSpace(start: number): number {
    let at = start
    for (;;) {
      const found = this.bytes[at]
      if (found === undefined || found > code.space) return at
      if (found === code.lineFeed ? !this.#lineFeedIsSpace : !isBlank(found)) return at
      at += 1
    }
  }

  /** `start` is behind the opening quote; the result is behind the closing one. */
  string(start: number): number {
    const { bytes } = this
    const end = bytes.length
    let isAscii = true
    this.sawEscape = false
    for (let at = this.#skipOrdinary(start); at < end; at += 1) {
      const found = bytes[at] as number
      const role = roleInString[found] as number
      if (role === ordinary) continue
      if (role === closing) return isAscii || this.#isUtf8(start, at) ? at + 1 : unreadable
      if (role === beyondAscii) isAscii = false
      else if (found === code.backslash) {
        at = this.#escape(at + 1)
        if (at === unreadable) return unreadable
      } else return this.unexpected(at, 'a string')
    }
    return this.unexpected(end, 'the end of a string')
  }

  /** Steps over words of four ordinary bytes; the rest is looked at byte by byte. */
  #skipOrdinary(start: number): number {
    const view = this.view
    const last = view.byteLength - 4
    let at = start
    while (at <= last && isOrdinaryWord(view.getInt32(at, true))) at += 4
    return at
  }

  #isUtf8(start: number, end: number): boolean {
    if (this.#isAllUtf8 || isUtf8Range(this.bytes, start, end)) return true
    this.fail('utf8', 'a string has bytes that are not UTF-8')
    return false
  }

  /** Returns the place of the last character of the escape. */
  #escape(at: number): number {
    const letter = this.bytes[at]
    this.sawEscape = true
    if (letter !== undefined && escapeMeaning[letter] !== 0) return at
    if (letter !== 0x75) return this.unexpected(at, 'an escape')
    const unit = hexValue(this.bytes, at + 1)
    if (unit < 0) return this.unexpected(Math.min(at + 4, this.bytes.length), 'four hexadecimal digits')
    if (isHighSurrogate(unit) || isLowSurrogate(unit)) this.sawSurrogate = true
    return at + 4
  }

  /** A number in the grammar of RFC 8259 §6. */
  number(start: number): number {
    let at = this.bytes[start] === code.minus ? start + 1 : start
    if (this.bytes[at] === code.zero) at += 1
    else {
      const first = at
      at = this.#digits(at)
      if (at === first) return this.unexpected(at, 'a digit')
    }
    if (this.bytes[at] === code.dot) {
      const first = at + 1
      at = this.#digits(first)
      if (at === first) return this.unexpected(at, 'a digit')
    }
    if (isExponentMark(this.bytes[at])) {
      const sign = this.bytes[at + 1]
      const first = sign === code.minus || sign === 0x2b ? at + 2 : at + 1
      at = this.#digits(first)
      if (at === first) return this.unexpected(at, 'a digit')
    }
    return at
  }

  #digits(start: number): number {
    let at = start
    while (isDigit(this.bytes[at])) at += 1
    return at
  }

  /** `true`, `false` or `null`. */
  literal(start: number, text: string): number {
    for (let index = 0; index < text.length; index += 1) {
      if (this.bytes[start + index] !== text.charCodeAt(index)) return this.unexpected(start + index, 'a value')
    }
    return start + text.length
  }

  /** A value without anything inside of it. */
  scalar(at: number): number {
    switch (this.bytes[at]) {
      case code.quote:
        return this.string(at + 1)
      case 0x74:
        return this.literal(at, 'true')
      case 0x66:
        return this.literal(at, 'false')
      case 0x6e:
        return this.literal(at, 'null')
      default:
        if (this.bytes[at] === code.minus || isDigit(this.bytes[at])) return this.number(at)
        return this.unexpected(at, 'a value')
    }
  }

  /** A key with its colon; the result is where its value begins. */
  key(start: number): number {
    if (this.bytes[start] !== code.quote) return this.unexpected(start, 'a key')
    const end = this.string(start + 1)
    return end === unreadable ? unreadable : this.colon(end)
  }

  colon(start: number): number {
    const at = this.skipSpace(start)
    return this.bytes[at] === code.colon ? this.skipSpace(at + 1) : this.unexpected(at, 'a colon')
  }

  /** An array or object that lies inside of `outside` others. */
  nested(start: number, outside: number): number {
    let at = start
    let level = 0
    let expects: 'value' | 'value or end' | 'comma or end' = 'value'
    for (;;) {
      const found = this.bytes[at]
      if (expects !== 'value' && isClosing(found)) {
        if ((found === code.closeObject) !== (this.#isObjectAt[level] === 1))
          return this.unexpected(at, 'another bracket')
        level -= 1
        if (level === 0) return at + 1
        expects = 'comma or end'
        at = this.skipSpace(at + 1)
        continue
      }
      if (expects === 'comma or end') {
        if (found !== code.comma) return this.unexpected(at, 'a comma or the end of the array or object')
        at = this.skipSpace(at + 1)
      }
      if (level > 0 && this.#isObjectAt[level] === 1) at = this.key(at)
      if (at === unreadable) return unreadable
      if (isOpening(this.bytes[at])) {
        level += 1
        if (outside + level > this.#depthMax) return this.tooDeep()
        this.#isObjectAt[level] = this.bytes[at] === code.openObject ? 1 : 0
        expects = 'value or end'
        at = this.skipSpace(at + 1)
      } else {
        at = this.scalar(at)
        if (at === unreadable) return unreadable
        expects = 'comma or end'
        at = this.skipSpace(at)
      }
    }
  }

  tooDeep(): typeof unreadable {
    return this.fail('depth', `the record has more than ${this.#depthMax} levels of arrays and objects`)
  }

  /**
   * Where a broken array or object ends if its quotes and brackets are to be believed: behind the bracket that closes the
   * first one. `unreadable` where none does.
   */
  skipBroken(start: number): number {
    const { bytes } = this
    let level = 0
    let isInString = false
    for (let at = start; at < bytes.length; at += 1) {
      const found = bytes[at]
      if (found === code.quote) isInString = !isInString
      else if (isInString) at += found === code.backslash ? 1 : 0
      else if (isOpening(found)) level += 1
      else if (isClosing(found)) {
        level -= 1
        if (level === 0) return at + 1
      }
    }
    return unreadable
  }
}

export const isOpening = (found: number | undefined): boolean => found === code.openObject || found === code.openArray
export const isClosing = (found: number | undefined): boolean => found === code.closeObject || found === code.closeArray
export const isDigit = (found: number | undefined): boolean => found !== undefined && found >= 0x30 && found <= 0x39
export const isExponentMark = (found: number | undefined): boolean => found === 0x65 || found === 0x45
const isBlank = (found: number): boolean => found === code.space || found === code.tab || found === code.carriageReturn

function shownByte(byte: number): string {
  const hex = byte.toString(16).padStart(2, '0').toUpperCase()
  return byte > code.space && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${hex}`
}
