// XXH64 without a seed, which Parquet's bloom filters ask for.

const prime1: u64 = 0x9e3779b185ebca87
const prime2: u64 = 0xc2b2ae3d27d4eb4f
const prime3: u64 = 0x165667b19e3779f9
const prime4: u64 = 0x85ebca77c2b2ae63
const prime5: u64 = 0x27d4eb2f165667c5

function round(lane: u64, word: u64): u64 {
  return rotl(lane + word * prime2, 31) * prime1
}

function merged(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * prime1 + prime4
}

export function xxh64(start: u32, length: u32): u64 {
  const end = start + length
  let at = start
  let hash = prime5
  if (length >= 32) {
    let one = prime1 + prime2
    let two = prime2
    let three: u64 = 0
    let four: u64 = 0 - prime1
    for (; at + 32 <= end; at += 32) {
      one = round(one, load<u64>(at))
      two = round(two, load<u64>(at, 8))
      three = round(three, load<u64>(at, 16))
      four = round(four, load<u64>(at, 24))
    }
    hash = rotl(one, 1) + rotl(two, 7) + rotl(three, 12) + rotl(four, 18)
    hash = merged(merged(merged(merged(hash, one), two), three), four)
  }
  hash += <u64>length
  for (; at + 8 <= end; at += 8) hash = rotl(hash ^ round(0, load<u64>(at)), 27) * prime1 + prime4
  if (at + 4 <= end) {
    hash = rotl(hash ^ (<u64>load<u32>(at) * prime1), 23) * prime2 + prime3
    at += 4
  }
  for (; at < end; at += 1) hash = rotl(hash ^ (<u64>load<u8>(at) * prime5), 11) * prime1
  hash = (hash ^ (hash >> 33)) * prime2
  hash = (hash ^ (hash >> 29)) * prime3
  return hash ^ (hash >> 32)
}

/** A hash of fewer steps, for tables of our own. Bytes behind the value do not count. */
export function quickHash(start: u32, length: u32): u64 {
  let hash = <u64>length * prime1
  let at = start
  const last = start + length - 8
  if (length >= 8) {
    for (; at < last; at += 8) hash = mixed(hash, load<u64>(at))
    return finished(mixed(hash, load<u64>(last)))
  }
  if (length === 0) return finished(hash)
  return finished(mixed(hash, load<u64>(at) << (64 - (length << 3))))
}

export function quickWordHash(word: u64): u64 {
  return finished(word * prime1)
}

function mixed(hash: u64, word: u64): u64 {
  return rotl(hash ^ word, 29) * prime2
}

function finished(hash: u64): u64 {
  return (hash ^ (hash >> 32)) * prime3
}
