// The bits of a deflate stream, the lowest of a byte first. Eight bytes are looked at together, so reading may go beyond the end: nothing is lost by
// that, and who reads asks now and then whether it did.

/** The next bits, the first one lowest. Above those that are held it has some of what follows. */
export let word: u64 = 0
/** How many bits are held. */
export let held: u64 = 0
/** The byte behind these. */
export let at: u32 = 0
let end: u32 = 0

/** So far beyond the end a loop may get before it asks. */
const aheadBytes: u32 = 8

export function openBits(start: u32, inputEnd: u32): void {
  at = start
  end = inputEnd
  word = 0
  held = 0
}

/** Goes on where a loop that kept them in variables of its own has stopped. */
export function resumeBits(newWord: u64, newHeld: u64, newAt: u32): void {
  word = newWord
  held = newHeld
  at = newAt
}

/** Whoever gets there has read bits that are not there. */
export function readingEnd(): u32 {
  return end + aheadBytes
}

/** Has at least 56 bits held. */
export function refill(): void {
  word |= load<u64>(at) << held
  at += <u32>(63 - held) >> 3
  held |= 56
}

/** The next bits, at most 32 of them. */
export function take(count: u64): u32 {
  if (held < count) refill()
  const bits = <u32>(word & (((<u64>1) << count) - 1))
  word >>= count
  held -= count
  return bits
}

/** Goes on with a whole byte, and returns its place. */
export function alignBits(): u32 {
  at -= <u32>held >> 3
  word = 0
  held = 0
  return at
}

/** Whether bits were taken that are not there. */
export function isOverrun(): bool {
  return at - (<u32>held >> 3) > end
}

/** How many bytes are left from an aligned place on. */
export function bytesLeft(): u32 {
  return end - at
}

export function skipBytes(count: u32): void {
  at += count
}
