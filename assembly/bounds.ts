// The least and the greatest of values without nulls.

import { sameLength } from './words'

/** Where the last call found them. */
export let minAt: u32 = 0
export let maxAt: u32 = 0
/** Whether there was NaN among the last doubles: it is no bound. */
export let hasNan: bool = false

/** Of whole numbers of `width` 4 or 8 bytes; of those at `places` if these are not 0. There is at least one. */
export function findNumberBounds(values: u32, width: u32, places: u32, count: u32): void {
  let least = i64.MAX_VALUE
  let most = i64.MIN_VALUE
  minAt = placeOf(places, 0)
  maxAt = minAt
  for (let index: u32 = 0; index < count; index += 1) {
    const place = placeOf(places, index)
    const value = width === 4 ? <i64>load<i32>(values + (place << 2)) : load<i64>(values + (place << 3))
    if (value < least) {
      least = value
      minAt = place
    }
    if (value > most) {
      most = value
      maxAt = place
    }
  }
}

/** As `findNumberBounds`, of doubles. Returns whether there is any that is not NaN. */
export function findRealBounds(values: u32, places: u32, count: u32): bool {
  let least = f64.NaN
  let most = f64.NaN
  hasNan = false
  for (let index: u32 = 0; index < count; index += 1) {
    const place = placeOf(places, index)
    const value = load<f64>(values + (place << 3))
    if (value !== value) {
      hasNan = true
      continue
    }
    // Nothing is less than NaN, with which both begin.
    if (!(value >= least)) {
      least = value
      minAt = place
    }
    if (!(value <= most)) {
      most = value
      maxAt = place
    }
  }
  return least === least
}

/** As `findNumberBounds`, of texts, by their bytes. */
export function findTextBounds(offsets: u32, data: u32, places: u32, count: u32): void {
  minAt = placeOf(places, 0)
  maxAt = minAt
  for (let index: u32 = 1; index < count; index += 1) {
    const place = placeOf(places, index)
    if (isTextLess(offsets, data, place, minAt)) minAt = place
    else if (isTextLess(offsets, data, maxAt, place)) maxAt = place
  }
}

function isTextLess(offsets: u32, data: u32, one: u32, two: u32): bool {
  const start = load<u32>(offsets + (one << 2))
  const other = load<u32>(offsets + (two << 2))
  const length = load<u32>(offsets + (one << 2), 4) - start
  const otherLength = load<u32>(offsets + (two << 2), 4) - other
  const least = min(length, otherLength)
  const same = sameLength(data + start, data + other, least)
  if (same === least) return length < otherLength
  return load<u8>(data + start + same) < load<u8>(data + other + same)
}

function placeOf(places: u32, index: u32): u32 {
  return places === 0 ? index : load<u32>(places + (index << 2))
}
