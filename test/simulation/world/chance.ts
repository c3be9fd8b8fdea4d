import type { Randomness } from '../../../src/base/randomness.ts'
import { seededRandomness } from '../../../src/jobs/testing/seeded-randomness.ts'

/** Chance by a seed. Each part of a world has its own, so that a fault less in one of them changes nothing in the others. */
export class Chance {
  readonly randomness: Randomness

  constructor(seed: number, part: string) {
    let mixed = Math.imul(seed + 1, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32)
    for (let at = 0; at < part.length; at += 1) mixed = Math.imul(mixed ^ part.charCodeAt(at), 0x85ebca6b)
    this.randomness = seededRandomness(mixed)
  }

  fraction = (): number => this.randomness.fraction()

  is(share: number): boolean {
    return share > 0 && this.fraction() < share
  }

  between(least: number, most: number): number {
    return least + this.fraction() * (most - least)
  }

  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  of<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.fraction() * choices.length)] ?? choices[0]
  }
}
