// Tables that say by the next bits of the input which symbol they are the code of, and what that means.

// An entry, from its lowest bit: in eight bits how many bits are taken in all; in four how many of them are the code, or by how many a further
// table is looked up; flags; and from the seventeenth bit on a value, to which the bits behind the code are added.
export const codeShift: u32 = 8
export const valueShift: u32 = 16

export const further: u32 = 1 << 13
export const blockEnd: u32 = 1 << 14
/** What is none of the usual: a further table, whose place is the value; the end of the block; or else no code at all. */
export const special: u32 = 1 << 15
export const literal: u32 = 1 << 31

/** The longest code. */
const bitsMax: u32 = 15

/** Symbols in the order of their codes. */
const sorted: u32 = <u32>memory.data(288 << 1, 16)
/** How many codes have each length, and where the symbols of that length go. */
const counts: u32 = <u32>memory.data((bitsMax + 1) << 2, 16)
const places: u32 = <u32>memory.data((bitsMax + 1) << 2, 16)

/**
 * Makes the table of the codes whose lengths lie at `lengths`; a length of 0 is none. `meanings` has an entry for each symbol, without the bits of its
 * code. Returns whether every bit pattern is a code, or, if `mayBeSingle`, there is at most one code, of one bit.
 */
export function buildTable(
  lengths: u32,
  count: u32,
  meanings: u32,
  table: u32,
  tableBits: u32,
  mayBeSingle: bool,
): bool {
  countLengths(lengths, count)
  const open = openCodes()
  if (open < 0) return false
  if (open > 0) {
    const used = count - countOf(0)
    if (!mayBeSingle || used > 1 || used !== countOf(1)) return false
    for (let index: u32 = 0; index < (<u32>1) << tableBits; index += 1) store<u32>(table + (index << 2), special)
  }
  sortSymbols(lengths, count)
  fillTable(meanings, table, tableBits)
  return true
}

function countLengths(lengths: u32, count: u32): void {
  memory.fill(counts, 0, (bitsMax + 1) << 2)
  for (let symbol: u32 = 0; symbol < count; symbol += 1) {
    const at = counts + ((<u32>load<u8>(lengths + symbol)) << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

function countOf(length: u32): u32 {
  return load<u32>(counts + (length << 2))
}

/** How many patterns of the longest codes are no codes; fewer than none where there are too many codes. */
function openCodes(): i32 {
  let open: i32 = 1
  for (let length: u32 = 1; length <= bitsMax; length += 1) {
    open = (open << 1) - <i32>countOf(length)
    if (open < 0) return open
  }
  return open
}

function sortSymbols(lengths: u32, count: u32): void {
  let place: u32 = 0
  for (let length: u32 = 1; length <= bitsMax; length += 1) {
    store<u32>(places + (length << 2), place)
    place += countOf(length)
  }
  for (let symbol: u32 = 0; symbol < count; symbol += 1) {
    const length = <u32>load<u8>(lengths + symbol)
    if (length === 0) continue
    const at = places + (length << 2)
    store<u16>(sorted + (load<u32>(at) << 1), <u16>symbol)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/** Codes come with their first bit lowest. Those that are longer than `tableBits` lie in further tables behind the first. */
function fillTable(meanings: u32, table: u32, tableBits: u32): void {
  let code: u32 = 0
  let index: u32 = 0
  let size: u32 = 1 << tableBits
  let prefix: u32 = u32.MAX_VALUE
  let inner: u32 = 0
  let innerBits: u32 = 0
  for (let length: u32 = 1; length <= bitsMax; length += 1) {
    for (let left = countOf(length); left > 0; left -= 1, index += 1) {
      const meaning = load<u32>(meanings + ((<u32>load<u16>(sorted + (index << 1))) << 2))
      if (length <= tableBits) putCode(table, tableBits, code, length, meaning)
      else {
        const first = code & ((1 << tableBits) - 1)
        if (first !== prefix) {
          prefix = first
          inner = size
          innerBits = innerBitsOf(length, left, tableBits)
          size += 1 << innerBits
          store<u32>(
            table + (first << 2),
            special | further | (inner << valueShift) | (innerBits << codeShift) | tableBits,
          )
        }
        putCode(table + (inner << 2), innerBits, code >> tableBits, length - tableBits, meaning)
      }
      code = nextCode(code, length)
    }
  }
}

/** Every pattern that begins with the code gets its entry. */
function putCode(table: u32, tableBits: u32, code: u32, length: u32, meaning: u32): void {
  const entry = meaning + length + (length << codeShift)
  for (let at = code; at < (<u32>1) << tableBits; at += 1 << length) store<u32>(table + (at << 2), entry)
}

/** How many bits tell the codes apart that begin alike, of which the next one has this length, as have `left` with it. */
function innerBitsOf(length: u32, left: u32, tableBits: u32): u32 {
  let bits = length - tableBits
  let open = ((<i32>1) << bits) - <i32>left
  while (open > 0) {
    bits += 1
    open = (open << 1) - <i32>countOf(tableBits + bits)
  }
  return bits
}

/** The next code in order; its first bit, which counts most, is the lowest. */
function nextCode(code: u32, length: u32): u32 {
  let bit: u32 = 1 << (length - 1)
  while ((code & bit) !== 0) bit >>= 1
  return bit === 0 ? 0 : (code & (bit - 1)) | bit
}
