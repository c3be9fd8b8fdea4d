// The raw format of Snappy (google/snappy, format_description.txt): literals, and copies of what came before.

import { putVarint } from './bits'
import { sameLength } from './words'

/** Matches are looked for within so many bytes: two bytes say how far back they are. */
const fragmentBytes: u32 = 1 << 16

const hashBits: u32 = 14

/** Where four bytes with a hash were seen last in the fragment, two bytes each. */
const table: u32 = <u32>memory.data(1 << (hashBits + 1), 16)

/** So many bytes at the end become a literal: four bytes can be read anywhere before. */
const tailBytes: u32 = 16

/** Compresses `length` bytes, at most to 32 + 7/6 of them. Returns the place behind. */
export function compress(source: u32, length: u32, target: u32): u32 {
  let to = putVarint(length, target)
  for (let from: u32 = 0; from < length; from += fragmentBytes) {
    to = compressFragment(source + from, min(fragmentBytes, length - from), to)
  }
  return to
}

function compressFragment(start: u32, length: u32, target: u32): u32 {
  const end = start + length
  if (length <= tailBytes) return putLiteral(start, length, target)
  memory.fill(table, 0, 1 << (hashBits + 1))
  const last = end - tailBytes
  let to = target
  let written = start
  let at = start + 1
  // Where nothing was found for long, more and more places are passed over.
  let misses: u32 = 32
  while (at < last) {
    const word = load<u32>(at)
    const slot = table + (((word * 0x1e35a7bd) >>> (32 - hashBits)) << 1)
    const other = start + <u32>load<u16>(slot)
    store<u16>(slot, <u16>(at - start))
    if (load<u32>(other) !== word) {
      at += misses >> 5
      misses += 1
      continue
    }
    const same = 4 + sameLength(at + 4, other + 4, end - at - 4)
    if (at > written) to = putLiteral(written, at - written, to)
    to = putCopy(at - other, same, to)
    at += same
    written = at
    misses = 32
    // The end of what was copied is where the next match often lies.
    if (at < last)
      store<u16>(table + (((load<u32>(at - 1) * 0x1e35a7bd) >>> (32 - hashBits)) << 1), <u16>(at - 1 - start))
  }
  return written < end ? putLiteral(written, end - written, to) : to
}

function putLiteral(start: u32, length: u32, target: u32): u32 {
  const less = length - 1
  let to = target
  if (less < 60) {
    store<u8>(to, <u8>(less << 2))
    to += 1
  } else if (less < 0x100) {
    store<u16>(to, <u16>((60 << 2) | (less << 8)))
    to += 2
  } else {
    store<u32>(to, (61 << 2) | (less << 8))
    to += 3
  }
  if (length <= 16) v128.store(to, v128.load(start))
  else memory.copy(to, start, length)
  return to + length
}

/** Copies of up to 64 bytes each; of none are fewer than four left. */
function putCopy(back: u32, length: u32, target: u32): u32 {
  let to = target
  let left = length
  for (; left >= 68; left -= 64) to = putLongCopy(back, 64, to)
  if (left > 64) {
    to = putLongCopy(back, 60, to)
    left -= 60
  }
  if (left >= 12 || back >= 2048) return putLongCopy(back, left, to)
  store<u16>(to, <u16>(1 | ((left - 4) << 2) | ((back >> 8) << 5) | (back << 8)))
  return to + 2
}

function putLongCopy(back: u32, length: u32, target: u32): u32 {
  store<u32>(target, 2 | ((length - 1) << 2) | (back << 8))
  return target + 3
}
