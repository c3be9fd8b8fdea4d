// Dictionaries: which values are the same.

import { quickHash, quickWordHash } from './hash'
import { sameLength } from './words'

// A slot of the table takes eight bytes: the entry, from 1 on, and the upper half of its hash. None is there where all is 0.

/** Whoever knows the hash can make values that all meet in one slot: those are given up after so many slots for each of them. */
const slotsEach: u32 = 16

/**
 * Numbers the texts in the order in which each appears first: `numbers` gets that of each, `entries` the place of each first one. Returns how many
 * entries there are; 0 where they are more than `most`, or meet in too few slots. `slots` of the table is a power of two, more than `most`, and all are 0.
 */
export function textDictionary(
  offsets: u32,
  data: u32,
  count: u32,
  numbers: u32,
  entries: u32,
  most: u32,
  table: u32,
  slots: u32,
): u32 {
  let found: u32 = 0
  let left = count * slotsEach
  let start = load<u32>(offsets)
  for (let index: u32 = 0; index < count; index += 1) {
    const end = load<u32>(offsets + (index << 2), 4)
    const length = end - start
    const hash = quickHash(data + start, length)
    const tag = <u32>(hash >> 32)
    let slot = <u32>hash & (slots - 1)
    let entry: u32 = 0
    for (; ; slot = (slot + 1) & (slots - 1)) {
      entry = load<u32>(table + (slot << 3))
      if (entry === 0) break
      if (left === 0) return 0
      left -= 1
      if (load<u32>(table + (slot << 3), 4) !== tag) continue
      const place = load<u32>(entries + ((entry - 1) << 2))
      const other = load<u32>(offsets + (place << 2))
      if (load<u32>(offsets + (place << 2), 4) - other !== length) continue
      if (sameLength(data + start, data + other, length) === length) break
    }
    if (entry === 0) {
      if (found === most) return 0
      entry = found += 1
      putEntry(table + (slot << 3), entry, tag)
      store<u32>(entries + ((entry - 1) << 2), index)
    }
    store<u32>(numbers + (index << 2), entry - 1)
    start = end
  }
  return found
}

/** As `textDictionary`, of values of `width` 4 or 8 bytes, by their bits. */
export function numberDictionary(
  values: u32,
  width: u32,
  count: u32,
  numbers: u32,
  entries: u32,
  most: u32,
  table: u32,
  slots: u32,
): u32 {
  let found: u32 = 0
  let left = count * slotsEach
  for (let index: u32 = 0; index < count; index += 1) {
    const word = wordAt(values, width, index)
    const hash = quickWordHash(word)
    const tag = <u32>(hash >> 32)
    let slot = tag & (slots - 1)
    let entry: u32 = 0
    for (; ; slot = (slot + 1) & (slots - 1)) {
      entry = load<u32>(table + (slot << 3))
      if (entry === 0) break
      if (left === 0) return 0
      left -= 1
      if (load<u32>(table + (slot << 3), 4) !== tag) continue
      if (wordAt(values, width, load<u32>(entries + ((entry - 1) << 2))) === word) break
    }
    if (entry === 0) {
      if (found === most) return 0
      entry = found += 1
      putEntry(table + (slot << 3), entry, tag)
      store<u32>(entries + ((entry - 1) << 2), index)
    }
    store<u32>(numbers + (index << 2), entry - 1)
  }
  return found
}

function putEntry(slot: u32, entry: u32, tag: u32): void {
  store<u32>(slot, entry)
  store<u32>(slot, tag, 4)
}

function wordAt(values: u32, width: u32, place: u32): u64 {
  return width === 4 ? <u64>load<u32>(values + (place << 2)) : load<u64>(values + (place << 3))
}
