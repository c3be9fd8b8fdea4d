import type { Randomness } from '../../base/randomness.ts'

/** The same randomness again for the same seed: 32 bits of state, good enough to choose faults by. */
export function seededRandomness(seed: number): Randomness {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    bytes(length) {
      const bytes = Buffer.allocUnsafe(length)
      for (let at = 0; at < length; at += 1) bytes[at] = Math.floor(fraction() * 256)
      return bytes
    },
  }
}

/** A whole number from `least` to `most`. */
export function wholeNumber(randomness: Randomness, least: number, most: number): number {
  return least + Math.floor(randomness.fraction() * (most - least + 1))
}

/** The choices in a random order. */
export function shuffled<T>(randomness: Randomness, choices: readonly T[]): T[] {
  return choices
    .map((choice) => ({ choice, place: randomness.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ choice }) => choice)
}
