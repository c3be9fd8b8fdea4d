// Deflate (RFC 1951), inflated from memory to memory, for what src/base/gzip/native-gunzip.ts lays out. What is refused here is zlib's to judge.
// Up to `inputSlack` bytes behind the input may be looked at, and up to `outputSlack` behind its room be written over.

import {
  alignBits,
  at,
  bytesLeft,
  held,
  isOverrun,
  openBits,
  readingEnd,
  resumeBits,
  skipBytes,
  take,
  word,
} from './bit-input'
import { distanceTable, distanceTableBits, lengthTable, lengthTableBits, readCodes, useFixedCodes } from './block-codes'
import { blockEnd, codeShift, further, literal, special, valueShift } from './huffman'

export { firstFree, reserve } from './memory'

/** Stands for what is no deflate, or has too little room. */
const refused: u32 = 0

/** Where the input of the last call ended. */
export let stoppedAt: u32 = 0

/** Inflates what lies from `start` on to `target`, at most up to `limit`. Returns the place behind it, or 0. */
export function inflate(start: u32, end: u32, target: u32, limit: u32): u32 {
  openBits(start, end)
  let to = target
  let isLast = false
  while (!isLast) {
    isLast = take(1) === 1
    const kind = take(2)
    if (kind === 0) to = copyStored(to, limit)
    else if (kind === 1) {
      useFixedCodes()
      to = inflateBlock(target, to, limit)
    } else to = kind === 2 && readCodes() ? inflateBlock(target, to, limit) : refused
    if (to === refused || isOverrun()) return refused
  }
  stoppedAt = alignBits()
  return to
}

/** A block of bytes as they are (§3.2.4): their number, and its complement, come before them. */
function copyStored(to: u32, limit: u32): u32 {
  const start = alignBits()
  if (isOverrun() || bytesLeft() < 4) return refused
  const length = <u32>load<u16>(start)
  if (length !== (<u32>load<u16>(start, 2) ^ 0xffff) || bytesLeft() - 4 < length || limit - to < length) return refused
  memory.copy(to, start + 4, length)
  skipBytes(4 + length)
  return to + length
}

/** Inflates what follows the codes of a block. Matches begin at `begin` or later. Between two refills no more than 56 bits are taken. */
function inflateBlock(begin: u32, target: u32, limit: u32): u32 {
  const stop = readingEnd()
  let bits = word
  let count = held
  let from = at
  let to = target
  while (true) {
    bits |= load<u64>(from) << count
    from += <u32>(63 - count) >> 3
    count |= 56
    if (from > stop || to > limit) return refused
    let entry = lookUp(lengthTable, bits, lengthTableBits)
    if ((<u32>entry & literal) !== 0) {
      store<u8>(to, <u8>(entry >> valueShift))
      bits >>= entry
      count -= entry & 0xff
      entry = lookUp(lengthTable, bits, lengthTableBits)
      to += 1
      if ((<u32>entry & literal) !== 0) {
        store<u8>(to, <u8>(entry >> valueShift))
        bits >>= entry
        count -= entry & 0xff
        entry = lookUp(lengthTable, bits, lengthTableBits)
        to += 1
        if ((<u32>entry & literal) !== 0) {
          store<u8>(to, <u8>(entry >> valueShift))
          bits >>= entry
          count -= entry & 0xff
          to += 1
          continue
        }
      }
      bits |= load<u64>(from) << count
      from += <u32>(63 - count) >> 3
      count |= 56
    }
    if ((<u32>entry & special) !== 0) {
      if ((<u32>entry & further) !== 0) {
        bits >>= lengthTableBits
        count -= lengthTableBits
        entry = lookUpFurther(lengthTable, bits, entry)
        if ((<u32>entry & literal) !== 0) {
          store<u8>(to, <u8>(entry >> valueShift))
          bits >>= entry
          count -= entry & 0xff
          to += 1
          continue
        }
      }
      if ((<u32>entry & special) !== 0) {
        resumeBits(bits >> (entry & 0xff), count - (entry & 0xff), from)
        return (<u32>entry & blockEnd) !== 0 && to <= limit ? to : refused
      }
    }
    const length = valueOf(entry, bits)
    bits >>= entry
    count -= entry & 0xff
    entry = lookUp(distanceTable, bits, distanceTableBits)
    if ((<u32>entry & special) !== 0) {
      if ((<u32>entry & further) === 0) return refused
      bits >>= distanceTableBits
      count -= distanceTableBits
      entry = lookUpFurther(distanceTable, bits, entry)
      if ((<u32>entry & special) !== 0) return refused
    }
    const distance = valueOf(entry, bits)
    bits >>= entry
    count -= entry & 0xff
    if (distance > to - begin) return refused
    copyMatch(to, distance, to + length)
    to += length
  }
}

function lookUp(table: u32, bits: u64, tableBits: u32): u64 {
  return load<u32>(table + ((<u32>bits & ((1 << tableBits) - 1)) << 2))
}

function lookUpFurther(table: u32, bits: u64, entry: u64): u64 {
  const inner = <u32>bits & ((1 << ((<u32>entry >> codeShift) & 0xf)) - 1)
  return load<u32>(table + (((<u32>entry >> valueShift) + inner) << 2))
}

/** The value of the entry with what the bits behind its code add to it. */
function valueOf(entry: u64, bits: u64): u32 {
  const taken = bits & (((<u64>1) << (entry & 0xff)) - 1)
  return (<u32>entry >> valueShift) + <u32>(taken >> ((entry >> codeShift) & 0xf))
}

/** What lies `distance` before goes to `target` and on up to `end`, or a few bytes further; it may repeat itself. */
function copyMatch(target: u32, distance: u32, end: u32): void {
  let to = target
  let from = target - distance
  if (distance >= 16) {
    v128.store(to, v128.load(from))
    v128.store(to, v128.load(from, 16), 16)
    for (to += 32, from += 32; to < end; to += 16, from += 16) v128.store(to, v128.load(from))
  } else if (distance >= 8) {
    do {
      store<u64>(to, load<u64>(from))
      to += 8
      from += 8
    } while (to < end)
  } else if (distance === 1) {
    const bytes = i8x16.splat(load<u8>(from))
    do {
      v128.store(to, bytes)
      to += 16
    } while (to < end)
  } else {
    // Of eight bytes only as many are known as the distance is long.
    do {
      store<u64>(to, load<u64>(from))
      to += distance
      from += distance
    } while (to < end)
  }
}
