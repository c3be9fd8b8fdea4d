import { readInt64Text } from './int64-text.ts'
import type { JsonScanner } from './json-scanner.ts'
import { code, isDigit, isExponentMark, unreadable } from './json-scanner.ts'
import { hasUnpairedSurrogate } from './json-strings.ts'
import type { ValueTape } from './value-tape.ts'
import { textOf, valueKind } from './value-tape.ts'

/** Powers of ten that doubles hold exactly. */
const exactPowers = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))
/** Any number of so many digits is exact as an integer of a double, and comes back from the nearest double. */
const exactDigitsMax = 15

/** Reads values of JSON with nothing inside of them onto a tape. */
export class JsonScalars {
  readonly #scanner: JsonScanner
  #bytes: Uint8Array
  readonly #tape: ValueTape
  readonly #words = new Int32Array(2)

  constructor(scanner: JsonScanner, tape: ValueTape) {
    this.#scanner = scanner
    this.#bytes = scanner.bytes
    this.#tape = tape
  }

  /** Goes on with what the scanner has now. */
  reopen(): void {
    this.#bytes = this.#scanner.bytes
  }

  /** Sets the newest value of the tape. Returns the place behind it, or `unreadable` with the scanner's failure. */
  read(at: number): number {
    const found = this.#bytes[at] as number
    if (found === code.quote) return this.#string(at)
    if (isDigit(found) || found === code.minus) return this.#number(at)
    const end = this.#scanner.scalar(at)
    if (end !== unreadable) {
      const kind = found === 0x74 ? valueKind.true : found === 0x66 ? valueKind.false : valueKind.null
      this.#tape.setRange(kind, at, end)
    }
    return end
  }

  #string(at: number): number {
    const scanner = this.#scanner
    scanner.sawSurrogate = false
    const end = scanner.string(at + 1)
    if (end === unreadable) return unreadable
    if (!scanner.sawEscape) this.#tape.setRange(valueKind.string, at + 1, end - 1)
    else if (scanner.sawSurrogate && hasUnpairedSurrogate(this.#bytes, at + 1, end - 1)) {
      this.#tape.setRange(valueKind.unpaired, at, end)
    } else this.#tape.setRange(valueKind.escaped, at + 1, end - 1)
    return end
  }

  /** Integers of few digits, which are most numbers, are read here; others by and by. */
  #number(start: number): number {
    const bytes = this.#bytes
    const isNegative = bytes[start] === code.minus
    const first = isNegative ? start + 1 : start
    let at = first
    let size = 0
    for (; isDigit(bytes[at]); at += 1) size = size * 10 + ((bytes[at] as number) - code.zero)
    const digits = at - first
    if (digits === 0 || (bytes[first] === code.zero && digits > 1)) {
      return this.#scanner.unexpected(digits === 0 ? at : first + 1, digits === 0 ? 'a digit' : 'the end of a number')
    }
    if (bytes[at] === code.dot || isExponentMark(bytes[at])) return this.#fraction(start, first, at)
    if (digits <= exactDigitsMax) this.#tape.setNumber(valueKind.integer, isNegative ? -size : size, start, at)
    else if (readInt64Text(bytes, start, at, this.#words)) {
      this.#tape.setWords(this.#words[0] as number, this.#words[1] as number, start, at)
    } else this.#tape.setRange(valueKind.huge, start, at)
    return at
  }

  /**
   * A number with a fraction or an exponent. Where its digits and its power of ten are both exact as doubles, one division
   * or multiplication rounds to the nearest double (Clinger 1990, the fast path), and the shortest text of that is the number.
   */
  #fraction(start: number, first: number, point: number): number {
    const bytes = this.#bytes
    const end = this.#scanner.number(start)
    if (end === unreadable) return unreadable
    let size = 0
    let places = 0
    let at = first
    for (; at < end && !isExponentMark(bytes[at]); at += 1) {
      if (bytes[at] !== code.dot) size = size * 10 + ((bytes[at] as number) - code.zero)
    }
    if (bytes[point] === code.dot) places = at - point - 1
    const power = (at < end ? Number(textOf(bytes, at + 1, end)) : 0) - places
    const isExact = at - first - (places > 0 ? 1 : 0) <= exactDigitsMax && Math.abs(power) < exactPowers.length
    if (!isExact) {
      this.#tape.setRange(valueKind.digits, start, end)
      return end
    }
    const scale = exactPowers[Math.abs(power)] as number
    const value = power < 0 ? size / scale : size * scale
    this.#tape.setNumber(valueKind.float, bytes[start] === code.minus ? -value : value, start, end)
    return end
  }
}
