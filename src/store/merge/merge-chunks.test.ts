import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { chooseUnchanged } from './merge-chunks.ts'

const sixteen = { files: Array.from({ length: 16 }), unchangedMax: 4 }

describe('of what cannot be joined', () => {
  test.each([
    { what: 'small files are written anew together', rest: [1, 2, 3], lone: [], unchanged: [] },
    { what: 'large ones that are alone stay beside them', rest: [1, 2, 3, 4], lone: [2, 4], unchanged: [2, 4] },
    { what: 'a small one by itself stays, too', rest: [1, 2], lone: [2], unchanged: [1, 2] },
    { what: 'none stays where too many would', rest: [1, 2, 3, 4, 5], lone: [1, 2, 3, 4, 5], unchanged: [] },
  ])('$what', ({ rest, lone, unchanged }) => {
    expect(chooseUnchanged(sixteen, rest, lone)).toEqual(unchanged)
  })

  test('something always comes of a merge', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('joined', 'small', 'lone'), { minLength: 2 }), fc.nat(6), (kinds, most) => {
        const of = (...wanted: string[]) => [...kinds.keys()].filter((index) => wanted.includes(kinds[index] ?? ''))
        const unchanged = chooseUnchanged({ files: kinds, unchangedMax: most }, of('small', 'lone'), of('lone'))
        expect(unchanged.length).toBeLessThanOrEqual(most)
        for (const index of unchanged) expect(of('joined')).not.toContain(index)
        expect(kinds.length - unchanged.length).toBeGreaterThanOrEqual(2)
        const anew = of('small', 'lone').filter((index) => !unchanged.includes(index))
        if (unchanged.length > 0) expect(anew).not.toHaveLength(1)
      }),
    )
  })
})
