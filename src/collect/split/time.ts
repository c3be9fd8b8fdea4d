import type { Decimal } from './decimal.ts'
import { parseDecimal } from './decimal.ts'
import { extensionInstant } from './extension-time.ts'
import type { Instant } from './instant.ts'
import { parseInstant } from './instant.ts'
import type { ValueTape } from './value-tape.ts'
import { textOf, valueKind } from './value-tape.ts'
import { numberText } from './value-text.ts'

/**
 * The unit of a number that says a time, by the digits before its point: below 10^11 seconds (until the year 5138), below 10^14
 * milliseconds, below 10^17 microseconds, else nanoseconds. So milliseconds are taken for seconds up to March 1973.
 */
const secondsDigits = 11
const millisecondsDigits = 14
const microsecondsDigits = 17
/** Up to the largest int64. */
const nanosecondsDigits = 19
const int64Max = 2n ** 63n - 1n
const perSecond = 1_000_000_000n

/** Longer texts are no times. */
const textBytesMax = 64

/** The moment that a field of the record says; undefined where it says none. */
export function instantOfField(tape: ValueTape, field: number): Instant | undefined {
  switch (tape.kinds[field]) {
    case valueKind.integer:
      return instantOfInteger(tape.numbers[field] as number)
    case valueKind.wide:
    case valueKind.float:
    case valueKind.digits: {
      const length = (tape.ends[field] as number) - (tape.starts[field] as number)
      return length > textBytesMax ? undefined : instantOfNumber(numberText(tape, field))
    }
    case valueKind.string:
    case valueKind.escaped:
      tape.locateText(field)
      return instantOfText(tape.textBytes, tape.textStart, tape.textEnd)
    case valueKind.timestamp: {
      const view = tape.msgpack?.view
      return view && extensionInstant(view, tape.starts[field] as number, tape.ends[field] as number)
    }
    default:
      return undefined
  }
}

function instantOfText(bytes: Uint8Array, start: number, end: number): Instant | undefined {
  if (end - start > textBytesMax) return undefined
  return parseInstant(bytes, start, end) ?? instantOfNumber(textOf(bytes, start, end))
}

/** A whole number of at most 2^53. */
function instantOfInteger(value: number): Instant {
  const size = Math.abs(value)
  if (size < 10 ** secondsDigits) return { seconds: value, nanoseconds: 0, hasMore: false }
  const unitsPerSecond = size < 10 ** millisecondsDigits ? 1e3 : 1e6
  const seconds = Math.floor(value / unitsPerSecond)
  return { seconds, nanoseconds: (value - seconds * unitsPerSecond) * (1e9 / unitsPerSecond), hasMore: false }
}

/** The number of a text in JSON's grammar, with all of its digits. */
function instantOfNumber(text: string): Instant | undefined {
  const decimal = parseDecimal(text)
  if (decimal === undefined) return undefined
  const wholeDigits = decimal.digits.length + decimal.exponent
  if (wholeDigits <= secondsDigits) return instantOfNanoseconds(decimal, 9)
  if (wholeDigits <= millisecondsDigits) return instantOfNanoseconds(decimal, 6)
  if (wholeDigits <= microsecondsDigits) return instantOfNanoseconds(decimal, 3)
  return wholeDigits <= nanosecondsDigits ? instantOfNanoseconds(decimal, 0) : undefined
}

/** The moment of a number times 10^places nanoseconds, rounded down also before the epoch. */
function instantOfNanoseconds({ isNegative, digits, exponent }: Decimal, places: number): Instant | undefined {
  const zeros = exponent + places
  const hasMore = zeros < 0 && digits !== ''
  const kept = zeros >= 0 ? digits + '0'.repeat(zeros) : digits.slice(0, zeros)
  const magnitude = kept === '' ? 0n : BigInt(kept)
  if (places === 0 && magnitude > int64Max) return undefined
  const total = isNegative ? -magnitude - (hasMore ? 1n : 0n) : magnitude
  const nanoseconds = ((total % perSecond) + perSecond) % perSecond
  return { seconds: Number((total - nanoseconds) / perSecond), nanoseconds: Number(nanoseconds), hasMore }
}
