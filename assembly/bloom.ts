// Split block bloom filters (parquet-format, BloomFilter.md).

import { xxh64 } from './hash'

const blockBytes: u32 = 32

/**
 * Puts values into a filter of zeros of `blocks` blocks: texts at `offsets` into `data`, or values of `width` bytes in `data` where there are no
 * offsets; of either those at `places`.
 */
export function fillBloomFilter(
  offsets: u32,
  data: u32,
  width: u32,
  places: u32,
  count: u32,
  filter: u32,
  blocks: u32,
): void {
  for (let index: u32 = 0; index < count; index += 1) {
    const place = load<u32>(places + (index << 2))
    const start = offsets === 0 ? place * width : load<u32>(offsets + (place << 2))
    const length = offsets === 0 ? width : load<u32>(offsets + (place << 2), 4) - start
    insert(xxh64(data + start, length), filter, blocks)
  }
}

/** The upper half of the hash chooses the block, and the lower one a bit in each of its eight words. */
function insert(hash: u64, filter: u32, blocks: u32): void {
  const block = filter + <u32>(((hash >> 32) * <u64>blocks) >> 32) * blockBytes
  const key = <u32>hash
  setBit(block, 0, key * 0x47b6137b)
  setBit(block, 1, key * 0x44974d91)
  setBit(block, 2, key * 0x8824ad5b)
  setBit(block, 3, key * 0xa2b7289d)
  setBit(block, 4, key * 0x705495c7)
  setBit(block, 5, key * 0x2df1424b)
  setBit(block, 6, key * 0x9efc4947)
  setBit(block, 7, key * 0x5c6bfb31)
}

function setBit(block: u32, word: u32, product: u32): void {
  const at = block + (word << 2)
  store<u32>(at, load<u32>(at) | (1 << (product >> 27)))
}
