/**
 * A decimal number with all its digits: ± 0.digits × 10^exponent… written as an integer, digits × 10^exponent. The digits
 * have neither leading nor trailing zeros, so equal numbers have equal forms; zero has none.
 */
export interface Decimal {
  readonly isNegative: boolean
  readonly digits: string
  readonly exponent: number
}

const numberPattern = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/

/** Reads a number in the grammar of JSON (RFC 8259 §6); undefined for any other text. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = numberPattern.exec(text)
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] = match
  const all = whole + fraction
  // Loops, because a pattern for trailing zeros takes quadratic time on long runs of zeros inside.
  let first = 0
  while (first < all.length && all[first] === '0') first += 1
  let end = all.length
  while (end > first && all[end - 1] === '0') end -= 1
  if (first === end) return { isNegative: sign === '-', digits: '', exponent: 0 }
  const exponent = Number(power) - fraction.length + (all.length - end)
  return { isNegative: sign === '-', digits: all.slice(first, end), exponent }
}

/** Says whether the nearest double's shortest text is the same number, so that nothing is lost in it. */
export function isWholeInDouble(text: string, double: number): boolean {
  if (!Number.isFinite(double)) return false
  if (String(double) === text) return true
  const wanted = parseDecimal(text)
  const kept = parseDecimal(doubleJson(double))
  return wanted?.digits === kept?.digits && wanted?.exponent === kept?.exponent
}

/** The shortest text of a finite double in the grammar of JSON. */
export function doubleJson(double: number): string {
  return Object.is(double, -0) ? '-0.0' : String(double)
}

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

/** The number as an int64, where it is one: 1.0 and 1e3 are. */
export function decimalToInt64(decimal: Decimal): bigint | undefined {
  const value = scaledInteger(decimal, 0, 19)
  return value === undefined || value < int64Min || value > int64Max ? undefined : value
}

/** The number times 10^scale, where that is an integer of at most `precision` digits. */
export function scaledInteger(decimal: Decimal, scale: number, precision: number): bigint | undefined {
  const { isNegative, digits, exponent } = decimal
  if (digits === '') return 0n
  const zeros = exponent + scale
  if (zeros < 0 || digits.length + zeros > precision) return undefined
  const size = BigInt(digits + '0'.repeat(zeros))
  return isNegative ? -size : size
}
