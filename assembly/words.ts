// Bytes compared sixteen at a time.

/** A bit for each of sixteen bytes: whether they are the same. */
export function sameBytes(one: u32, two: u32): u32 {
  return <u32>i8x16.bitmask(i8x16.eq(v128.load(one), v128.load(two)))
}

/** How many bytes from the first on are the same, at most `length`. */
export function sameLength(one: u32, two: u32, length: u32): u32 {
  for (let index: u32 = 0; index < length; index += 16) {
    const unlike = sameBytes(one + index, two + index) ^ 0xffff
    if (unlike !== 0) return min(length, index + <u32>ctz(unlike))
  }
  return length
}
