import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { ConvertedBody } from './convert/tasks.ts'
import type { Body } from './body.ts'
import { rangesOf } from './place-ranges.ts'

/** A frame of eight bytes, one behind the other, and what is so about it. */
interface DrawnFrame {
  readonly kind: 'own table' | 'other account' | 'with id'
  readonly isCommitted: boolean
  readonly isWatched: boolean
  readonly isPlain: boolean
  /** Whether bytes that were not read lie before it. */
  readonly isBehindGap: boolean
}

const frames = fc.array(
  fc.record<DrawnFrame>({
    kind: fc.constantFrom('own table', 'own table', 'own table', 'other account', 'with id'),
    isCommitted: fc.boolean(),
    isWatched: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
    isPlain: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn > 0),
    isBehindGap: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
  }),
)

const plain: ConvertedBody = { rows: 2, rejected: 0, rejectedRows: [], error: null }
const broken: ConvertedBody = { rows: 1, rejected: 3, rejectedRows: [], error: null }

function bodyAt(from: number, drawn: DrawnFrame): Body {
  const header = { uniqueId: drawn.kind === 'with id' ? `id ${from}` : null }
  return { segment: { id: 's' }, frame: { header, from, to: from + 8 } } as Body
}

test('ranges hold exactly the places of the bodies that are committed, and nothing that was not read', () => {
  fc.assert(
    fc.property(frames, (drawn) => {
      const stretches: [number, number][] = []
      const all: Body[] = []
      const byBody = new Map<Body, DrawnFrame>()
      let at = 4096
      for (const frame of drawn) {
        if (frame.isBehindGap) at += 8
        const last = stretches.at(-1)
        if (last === undefined || last[1] < at) stretches.push([at, at + 8])
        else last[1] = at + 8
        const body = bodyAt(at, frame)
        if (frame.kind !== 'other account') {
          all.push(body)
          byBody.set(body, frame)
        }
        at += 8
      }
      const of = (body: Body): DrawnFrame => byBody.get(body) as DrawnFrame
      const committed = all.filter((body) => of(body).isCommitted)
      const results = committed.map((body) => (of(body).isPlain ? plain : broken))
      const watched = new Set(all.filter((body) => of(body).isWatched).map(({ frame }) => frame.from))
      const ranges = rangesOf({ all, committed, results, stretches, isWatched: (place) => watched.has(place) })

      const holding = (body: Body) => ranges.filter(({ from, to }) => body.frame.from >= from && body.frame.from < to)
      for (const body of all.filter(({ frame }) => frame.header.uniqueId === null)) {
        const found = holding(body)
        expect(found.length).toBe(of(body).isCommitted ? 1 : 0)
        if (!of(body).isCommitted || (of(body).isPlain && !of(body).isWatched)) continue
        const { rows, rejected } = of(body).isPlain ? plain : broken
        expect(found[0]).toEqual({ from: body.frame.from, to: body.frame.to, rows, quarantined: rejected })
      }
      for (const { from, to } of ranges) expect(stretches.some((read) => read[0] <= from && to <= read[1])).toBe(true)
      const placed = committed.filter(({ frame }) => frame.header.uniqueId === null)
      const rows = placed.reduce((sum, body) => sum + (of(body).isPlain ? plain : broken).rows, 0)
      expect(ranges.reduce((sum, range) => sum + range.rows, 0)).toBe(rows)
    }),
    { numRuns: 500 },
  )
})

test('events side by side are one range', () => {
  const all = Array.from({ length: 1000 }, (_, index) => ({
    segment: { id: 's' },
    frame: { header: { uniqueId: null }, from: 4096 + index * 8, to: 4104 + index * 8 },
  })) as unknown as Body[]
  const results = all.map(() => plain)
  const stretches = [[4096, 12_096]] as const
  expect(rangesOf({ all, committed: all, results, stretches, isWatched: () => false })).toEqual([
    { from: 4096, to: 12_096, rows: 2000, quarantined: 0 },
  ])
})

test('a range ends before the body of another table, which may get the name of this one', () => {
  const [first, other, last] = [0, 8, 16].map((from) => bodyAt(from, { kind: 'own table' } as DrawnFrame)) as [
    Body,
    Body,
    Body,
  ]
  const committed = { committed: [first, last], results: [plain, plain], stretches: [[0, 24]] as const }
  const ranges = rangesOf({ all: [first, other, last], ...committed, isWatched: () => false })
  expect(ranges.map(({ from, to }) => [from, to])).toEqual([
    [0, 8],
    [16, 24],
  ])
})
