// Values without the nulls among them, and values one behind the other.

/** Moves the values of `width` bytes that are valid to the front. Returns how many they are. */
export function keepValues(values: u32, valid: u32, count: u32, width: u32): u32 {
  let kept: u32 = 0
  for (let index: u32 = 0; index < count; index += 1) {
    if (width === 8) store<u64>(values + (kept << 3), load<u64>(values + (index << 3)))
    else if (width === 4) store<u32>(values + (kept << 2), load<u32>(values + (index << 2)))
    else if (width === 1) store<u8>(values + kept, load<u8>(values + index))
    else memory.copy(values + kept * width, values + index * width, width)
    kept += load<u8>(valid + index)
  }
  return kept
}

/** As `keepValues`, of the offsets of texts: a null has no bytes. */
export function keepTexts(offsets: u32, valid: u32, count: u32): u32 {
  let kept: u32 = 0
  for (let index: u32 = 0; index < count; index += 1) {
    kept += load<u8>(valid + index)
    store<u32>(offsets + (kept << 2), load<u32>(offsets + ((index + 1) << 2)))
  }
  return kept
}

/** Copies texts to `target`, each behind its length: all of them, or those at `places` if these are not 0. Returns the place behind. */
export function putTexts(offsets: u32, data: u32, places: u32, count: u32, target: u32): u32 {
  let to = target
  for (let index: u32 = 0; index < count; index += 1) {
    const place = places === 0 ? index : load<u32>(places + (index << 2))
    const start = load<u32>(offsets + (place << 2))
    const length = load<u32>(offsets + ((place + 1) << 2)) - start
    store<u32>(to, length)
    to += 4
    memory.copy(to, data + start, length)
    to += length
  }
  return to
}

/** As `putTexts`, of values of `width` 4 or 8 bytes at `places`, without lengths. */
export function putValues(values: u32, width: u32, places: u32, count: u32, target: u32): u32 {
  for (let index: u32 = 0; index < count; index += 1) {
    const place = load<u32>(places + (index << 2))
    if (width === 4) store<u32>(target + (index << 2), load<u32>(values + (place << 2)))
    else store<u64>(target + (index << 3), load<u64>(values + (place << 3)))
  }
  return target + count * width
}
