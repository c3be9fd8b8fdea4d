// The codes of a deflate block: of literals and lengths, and of distances (RFC 1951 §3.2).

import { refill, take, word } from './bit-input'
import { blockEnd, buildTable, literal, special, valueShift } from './huffman'

/** Codes up to this length are found with one look. */
export const lengthTableBits: u32 = 11
export const distanceTableBits: u32 = 8
const metaTableBits: u32 = 7

const lengthSymbols: u32 = 288
const distanceSymbols: u32 = 32
const metaSymbols: u32 = 19

// With all further tables that there can be: 2342 and 402 entries (zlib's examples/enough.c counts them).
export const lengthTable: u32 = <u32>memory.data(2400 << 2, 16)
export const distanceTable: u32 = <u32>memory.data(448 << 2, 16)
const metaTable: u32 = <u32>memory.data(128 << 2, 16)

const lengthMeanings: u32 = <u32>memory.data(288 << 2, 16)
const distanceMeanings: u32 = <u32>memory.data(32 << 2, 16)
const metaMeanings: u32 = <u32>memory.data(19 << 2, 16)

/** Lengths of codes, those of distances behind those of literals and lengths. */
const codeLengths: u32 = <u32>memory.data(320, 16)
const metaLengths: u32 = <u32>memory.data(19, 16)
const metaOrder: StaticArray<u8> = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

putMeanings()

function putMeanings(): void {
  for (let symbol: u32 = 0; symbol < 256; symbol += 1) putMeaning(lengthMeanings, symbol, literal, symbol, 0)
  putMeaning(lengthMeanings, 256, special | blockEnd, 0, 0)
  // Four lengths after the other have the same number of bits added to them, and begin where the one before ends.
  let value: u32 = 3
  for (let symbol: u32 = 257; symbol < 285; symbol += 1) {
    const added: u32 = symbol < 265 ? 0 : (symbol - 261) >> 2
    putMeaning(lengthMeanings, symbol, 0, value, added)
    value += 1 << added
  }
  putMeaning(lengthMeanings, 285, 0, 258, 0)
  putMeaning(lengthMeanings, 286, special, 0, 0)
  putMeaning(lengthMeanings, 287, special, 0, 0)
  // So have two distances.
  value = 1
  for (let symbol: u32 = 0; symbol < 30; symbol += 1) {
    const added: u32 = symbol < 4 ? 0 : (symbol - 2) >> 1
    putMeaning(distanceMeanings, symbol, 0, value, added)
    value += 1 << added
  }
  putMeaning(distanceMeanings, 30, special, 0, 0)
  putMeaning(distanceMeanings, 31, special, 0, 0)
  for (let symbol: u32 = 0; symbol < metaSymbols; symbol += 1) putMeaning(metaMeanings, symbol, 0, symbol, 0)
}

/** `added` bits behind the code are added to the value. */
function putMeaning(meanings: u32, symbol: u32, flags: u32, value: u32, added: u32): void {
  store<u32>(meanings + (symbol << 2), flags | (value << valueShift) | added)
}

/** The codes of blocks that have none of their own (§3.2.6). */
export function useFixedCodes(): void {
  memory.fill(codeLengths, 8, 144)
  memory.fill(codeLengths + 144, 9, 112)
  memory.fill(codeLengths + 256, 7, 24)
  memory.fill(codeLengths + 280, 8, 8)
  memory.fill(codeLengths + lengthSymbols, 5, distanceSymbols)
  buildTables(lengthSymbols, distanceSymbols)
}

/** Reads the codes that begin a block (§3.2.7). Returns whether they are such as can be used. */
export function readCodes(): bool {
  const lengths = take(5) + 257
  const distances = take(5) + 1
  const known = take(4) + 4
  if (lengths > 286 || distances > 30) return false
  memory.fill(metaLengths, 0, metaSymbols)
  for (let index: u32 = 0; index < known; index += 1) {
    store<u8>(metaLengths + <u32>unchecked(metaOrder[index]), <u8>take(3))
  }
  if (!buildTable(metaLengths, metaSymbols, metaMeanings, metaTable, metaTableBits, false)) return false
  if (!readCodeLengths(lengths + distances)) return false
  // A block has an end.
  return load<u8>(codeLengths, 256) !== 0 && buildTables(lengths, distances)
}

/** Both are one sequence, in which three symbols repeat what was before, or zeros. */
function readCodeLengths(count: u32): bool {
  for (let index: u32 = 0; index < count;) {
    refill()
    const entry = load<u32>(metaTable + ((<u32>word & ((1 << metaTableBits) - 1)) << 2))
    take(entry & 0xff)
    const symbol = entry >> valueShift
    if (symbol < 16) {
      store<u8>(codeLengths + index, <u8>symbol)
      index += 1
      continue
    }
    if (symbol === 16 && index === 0) return false
    const repeated: u8 = symbol === 16 ? load<u8>(codeLengths + index - 1) : 0
    const times: u32 = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7)
    if (index + times > count) return false
    memory.fill(codeLengths + index, repeated, times)
    index += times
  }
  return true
}

function buildTables(lengths: u32, distances: u32): bool {
  return (
    buildTable(codeLengths, lengths, lengthMeanings, lengthTable, lengthTableBits, false) &&
    buildTable(codeLengths + lengths, distances, distanceMeanings, distanceTable, distanceTableBits, true)
  )
}
