/** An int64 as its two halves, in the order of memory: the low word, then the high one. */
export type Int64Words = Int32Array

const zero = 0x30
const nine = 0x39
const minus = 0x2d
const two32 = 4_294_967_296

/**
 * Reads canonical decimal text, `-?(0|[1-9][0-9]*)`, into `words` without making a BigInt, of which there would be one a
 * value in columns of ids or nanoseconds. False where the text is another or the number does not fit.
 */
export function readInt64Text(bytes: Uint8Array, start: number, end: number, words: Int64Words): boolean {
  const isNegative = bytes[start] === minus
  const first = isNegative ? start + 1 : start
  const digits = end - first
  if (digits < 1 || digits > 19 || (bytes[first] === zero && (digits > 1 || isNegative))) return false
  // Two numbers that doubles hold exactly: the last nine digits, and at most ten before them.
  const middle = Math.max(first, end - 9)
  const upper = readDigits(bytes, first, middle)
  const lower = readDigits(bytes, middle, end)
  return upper >= 0 && lower >= 0 && combine(upper, lower, isNegative, words)
}

/** -1 where something is not a digit. */
function readDigits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at] as number
    if (digit < zero || digit > nine) return -1
    value = value * 10 + (digit - zero)
  }
  return value
}

/** upper × 10^9 + lower, by multiplying the halves of `upper`, so that no step leaves the integers of doubles. */
function combine(upper: number, lower: number, isNegative: boolean, words: Int64Words): boolean {
  const high = Math.floor(upper / 65_536) * 1_000_000_000
  const rest = (upper % 65_536) * 1_000_000_000 + lower
  const lowSum = (high % 65_536) * 65_536 + rest
  const highWord = Math.floor(high / 65_536) + Math.floor(lowSum / two32)
  const lowWord = lowSum % two32
  if (highWord > 0x8000_0000 || (highWord === 0x8000_0000 && !(isNegative && lowWord === 0))) return false
  if (isNegative) {
    words[0] = -lowWord
    words[1] = ~highWord + (lowWord === 0 ? 1 : 0)
  } else {
    words[0] = lowWord
    words[1] = highWord
  }
  return true
}
