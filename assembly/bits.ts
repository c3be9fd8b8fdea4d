// Numbers packed into as many bits as the largest of them takes.

// Of DELTA_BINARY_PACKED: values of a block, and of each of its four parts, which have a width of their own.
const blockValues: u32 = 128
const partValues: u32 = 32

/** Bits that hold the number. */
function widthOf(value: u64): u32 {
  return 64 - <u32>clz(value)
}

/** Seven bits a byte, the lowest first. */
export function putVarint(value: u64, target: u32): u32 {
  let rest = value
  let to = target
  for (; rest >= 0x80; rest >>= 7, to += 1) store<u8>(to, <u8>rest | 0x80)
  store<u8>(to, <u8>rest)
  return to + 1
}

function putZigzag(value: i64, target: u32): u32 {
  return putVarint(<u64>((value << 1) ^ (value >> 63)), target)
}

/** Numbers of four bytes below 2^width, in groups of eight as one run of RLE_DICTIONARY. Returns the place behind. */
export function packPlaces(numbers: u32, count: u32, width: u32, target: u32): u32 {
  const groups = (count + 7) >> 3
  let to = putVarint(((<u64>groups) << 1) | 1, target)
  const end = to + groups * width
  let bits: u64 = 0
  let filled: u32 = 0
  for (let index: u32 = 0; index < count; index += 1) {
    bits |= (<u64>load<u32>(numbers + (index << 2))) << filled
    filled += width
    if (filled < 32) continue
    store<u32>(to, <u32>bits)
    to += 4
    bits >>= 32
    filled -= 32
  }
  store<u32>(to, <u32>bits)
  to += (filled + 7) >> 3
  if (to < end) memory.fill(to, 0, end - to)
  return end
}

/** Whole numbers of `width` 4 or 8 bytes in DELTA_BINARY_PACKED. `scratch` has room for a block. Returns the place behind. */
export function packNumbers(values: u32, width: u32, count: u32, scratch: u32, target: u32): u32 {
  return width === 4 ? pack<i32>(values, count, scratch, target) : pack<i64>(values, count, scratch, target)
}

/** The lengths of texts in DELTA_BINARY_PACKED. `lengths` has room for them, `scratch` for a block. Returns the place behind. */
export function packTextLengths(offsets: u32, count: u32, lengths: u32, scratch: u32, target: u32): u32 {
  for (let index: u32 = 0; index < count; index += 1) {
    store<u32>(lengths + (index << 2), load<u32>(offsets + (index << 2), 4) - load<u32>(offsets + (index << 2)))
  }
  return pack<i32>(lengths, count, scratch, target)
}

/** Differences wrap around within the type: whoever adds them up again wraps around as well. */
function pack<T>(values: u32, count: u32, scratch: u32, target: u32): u32 {
  let to = putVarint(blockValues, target)
  to = putVarint(blockValues / partValues, to)
  to = putVarint(count, to)
  if (count === 0) return putZigzag(0, to)
  let before = load<T>(values)
  to = putZigzag(<i64>before, to)
  for (let from: u32 = 1; from < count; from += blockValues) {
    const present = min(blockValues, count - from)
    let least = <i64>(<T>(load<T>(values + from * sizeof<T>()) - before))
    for (let index: u32 = 0; index < present; index += 1) {
      const value = load<T>(values + (from + index) * sizeof<T>())
      const difference = <i64>(<T>(value - before))
      before = value
      store<i64>(scratch + (index << 3), difference)
      least = min(least, difference)
    }
    to = putBlock<T>(scratch, present, least, putZigzag(least, to))
  }
  return to
}

function putBlock<T>(differences: u32, present: u32, least: i64, target: u32): u32 {
  // Parts without values have widths as well.
  store<u32>(target, 0)
  let to = target + blockValues / partValues
  for (let from: u32 = 0; from < present; from += partValues) {
    const part = differences + (from << 3)
    const partPresent = min(partValues, present - from)
    let all: u64 = 0
    for (let index: u32 = 0; index < partPresent; index += 1) {
      const difference = load<i64>(part + (index << 3)) - least
      const excess = sizeof<T>() === 4 ? <u64>(<u32>difference) : <u64>difference
      store<u64>(part + (index << 3), excess)
      all |= excess
    }
    for (let index = partPresent; index < partValues; index += 1) store<u64>(part + (index << 3), 0)
    const width = widthOf(all)
    store<u8>(target + from / partValues, <u8>width)
    to = putPart(part, width, to)
  }
  return to
}

function putPart(part: u32, width: u32, target: u32): u32 {
  if (width === 0) return target
  let to = target
  let bits: u64 = 0
  let filled: u32 = 0
  for (let index: u32 = 0; index < partValues; index += 1) {
    const value = load<u64>(part + (index << 3))
    bits |= value << filled
    filled += width
    if (filled < 64) continue
    store<u64>(to, bits)
    to += 8
    filled -= 64
    // What did not fit; shifting by 64 would shift by nothing.
    bits = filled === 0 ? 0 : value >> (width - filled)
  }
  store<u64>(to, bits)
  return target + ((partValues * width) >> 3)
}
