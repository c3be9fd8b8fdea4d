import { describe, expect, it } from 'vitest'

import { lineOf, Progress } from './progress.ts'
import type { Standing } from './progress.ts'

const standing: Standing = {
  worlds: 500,
  worldsMax: 2000,
  seconds: 1,
  secondsMax: Infinity,
  broken: 0,
  nextSeed: 4500,
}

function written(isTTY: boolean, seconds: readonly number[]): string[] {
  const texts: string[] = []
  const progress = new Progress({ isTTY, write: (text) => texts.push(text) })
  for (const at of seconds) progress.show({ ...standing, seconds: at })
  progress.clear()
  return texts
}

describe('the progress of a simulation', () => {
  it('says how many worlds there were, how long the rest takes, and where to go on', () => {
    expect(lineOf(standing)).toBe('500 of 2000 (25.0 %) worlds, 500/s, 3 s left, 0 broken, next seed 4500')
    expect(lineOf({ ...standing, worldsMax: 2_000_000 })).toContain('1 h 6 min left')
    expect(lineOf({ ...standing, worldsMax: Infinity, secondsMax: 121 })).toBe(
      '500 worlds, 500/s, 2 min 0 s left, 0 broken, next seed 4500',
    )
  })

  it('writes one line anew where somebody looks on, and takes it away', () => {
    const texts = written(true, [1, 1.2, 2])
    expect(texts).toHaveLength(3)
    expect(texts.every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true)
  })

  it('writes a line a minute into a log', () => {
    expect(written(false, [1, 30, 61, 90, 122])).toHaveLength(2)
  })
})
