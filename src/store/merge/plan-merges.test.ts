import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Layer } from '../store.ts'
import { cutFiles } from './cut-files.ts'
import type { Merge, MergeableChunk } from './plan-merges.ts'
import { planArchiveMerges, planMajorMerges, planMinorMerges, planPromotions } from './plan-merges.ts'
import { hourSeconds, mergeRules as rules } from './rules.ts'

const mebibyte = 2 ** 20
const now = Date.UTC(2026, 0, 1, 12, 30)
const hourNow = Math.floor(now / 1000 / hourSeconds) * hourSeconds

let made = 0

function chunk(more: Partial<MergeableChunk> & { from?: number; to?: number } = {}): MergeableChunk {
  made += 1
  const { from = hourNow - 2 * hourSeconds, to = from + 60 } = more
  return {
    id: `chunk ${made}`,
    layer: 'realtime',
    timeRange: { from, to },
    rows: 100,
    bytes: 1000,
    createdAt: new Date(now - 3_600_000 + made),
    ...more,
  }
}

const chunks = (count: number, more: Parameters<typeof chunk>[0] = {}) =>
  Array.from({ length: count }, () => chunk(more))

describe('minor merges', () => {
  test('wait for enough chunks of about one size', () => {
    expect(planMinorMerges(chunks(rules.fanIn - 1))).toEqual([])
    const [merge, ...others] = planMinorMerges(chunks(rules.fanIn + 3))
    expect(others).toEqual([])
    expect(merge?.layer).toBe('realtime')
    expect(merge?.inputs).toHaveLength(rules.fanIn + 3)
    const mixed = [...chunks(10), ...chunks(10, { bytes: 5 * mebibyte })]
    expect(planMinorMerges(mixed)).toEqual([])
  })

  test('leave large chunks and the archive alone', () => {
    const large = chunks(40, { bytes: rules.realtimeBytesMax })
    expect(planMinorMerges([...large, ...chunks(40, { layer: 'archive' })])).toEqual([])
  })

  test('hold steady load to fewer than 60 files, and write a row anew a few times', () => {
    let live: MergeableChunk[] = []
    let writtenBytes = 0
    let most = 0
    for (let second = 0; second < 3600; second += 1) {
      live.push(chunk({ bytes: 30_000, createdAt: new Date(now + second) }))
      for (const merge of planMinorMerges(live)) {
        const bytes = merge.inputs.reduce((sum, input) => sum + input.bytes, 0)
        const gone = new Set(merge.inputs)
        writtenBytes += bytes
        live = [...live.filter((of) => !gone.has(of)), chunk({ bytes, createdAt: new Date(now + second) })]
      }
      most = Math.max(most, live.length)
    }
    expect(most).toBeLessThan(60)
    expect(writtenBytes / (3600 * 30_000)).toBeLessThan(3)
  })
})

describe('major merges', () => {
  test('take all chunks of hours that are over, once one has settled', () => {
    const fresh = chunk({ createdAt: new Date(now) })
    const open = chunk({ from: hourNow + 5 })
    expect(planMajorMerges([fresh, open], now)).toEqual([])
    const settled = chunk({ createdAt: new Date(now - rules.settledMs) })
    const [merge] = planMajorMerges([fresh, open, settled], now)
    expect(merge?.layer).toBe('archive')
    expect(new Set(merge?.inputs)).toEqual(new Set([fresh, settled]))
  })

  test('take what reaches into hours to come as well, and what is from long ago', () => {
    const wide = chunk({ from: 5, to: hourNow + 10 * hourSeconds })
    expect(planMajorMerges([wide], now)[0]?.inputs).toEqual([wide])
  })

  test('are cut where one would be too large', () => {
    const merges = planMajorMerges(chunks(100, { bytes: 60 * mebibyte }), now)
    expect(merges.length).toBeGreaterThan(1)
    for (const { inputs } of merges) {
      expect(inputs.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(rules.inputBytesMax)
    }
    expect(merges.flatMap(({ inputs }) => inputs)).toHaveLength(100)
  })

  test('spare large chunks of one hour that are in order already', () => {
    const inOrder = chunk({ bytes: rules.archiveBytesMin, sortedBy: [1] })
    const unordered = chunk({ bytes: rules.archiveBytesMin })
    const ofTwoHours = chunk({
      bytes: rules.archiveBytesMin,
      sortedBy: [1],
      from: hourNow - hourSeconds - 1,
      to: hourNow - 5,
    })
    const all = [inOrder, unordered, ofTwoHours, chunk({ sortedBy: [1] })]
    expect(planPromotions(all, now, [1])).toEqual([inOrder])
    expect(planPromotions(all, now, [7, 1])).toEqual([])
  })
})

describe('merges within the archive', () => {
  const archived = (more: Parameters<typeof chunk>[0]) => chunk({ layer: 'archive', ...more })
  const large = (hour: number) =>
    archived({ from: hour * hourSeconds, to: (hour + 1) * hourSeconds, bytes: 100 * mebibyte })

  test('join small chunks beside one another, and not across a large one', () => {
    const small = (hour: number) =>
      archived({ from: hour * hourSeconds, to: (hour + 1) * hourSeconds, bytes: mebibyte })
    const left = [0, 1, 2, 3, 4].map(small)
    const right = [6, 7, 8, 9, 10].map(small)
    expect(planArchiveMerges([...left, large(5), ...right])).toEqual([])
    const more = [11, 12, 13].map(small)
    expect(planArchiveMerges([...left, large(5), ...right, ...more])).toEqual([
      { layer: 'archive', inputs: [...right, ...more] },
    ])
  })

  test('bring late rows into the chunk of their hour when they are worth it', () => {
    const owner = large(5)
    const late = (bytes: number) => archived({ from: 5 * hourSeconds + 10, to: 5 * hourSeconds + 20, bytes })
    expect(planArchiveMerges([owner, large(6), late(mebibyte)])).toEqual([])
    const heavy = late(13 * mebibyte)
    expect(planArchiveMerges([owner, large(6), heavy])).toEqual([{ layer: 'archive', inputs: [owner, heavy] }])
    const many = Array.from({ length: rules.archiveFanIn }, () => late(1000))
    expect(planArchiveMerges([owner, large(6), ...many])).toEqual([{ layer: 'archive', inputs: [owner, ...many] }])
  })
})

/** What the engine makes of a merge, as far as times and sizes go. */
function performed({ layer, inputs }: Merge): MergeableChunk[] {
  const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0)
  const rows = inputs.reduce((sum, input) => sum + input.rows, 0)
  const spread = new Map<number, number>()
  for (const { timeRange, rows: count } of inputs) {
    const [first, last] = [Math.floor(timeRange.from / hourSeconds), Math.floor((timeRange.to - 1) / hourSeconds)]
    for (let hour = first; hour <= last; hour += 1) {
      spread.set(hour, (spread.get(hour) ?? 0) + count / (last - first + 1))
    }
  }
  const hours = [...spread].map(([hour, of]) => ({ hour, rows: of })).toSorted((a, b) => a.hour - b.hour)
  if (layer === 'realtime') return [chunk({ layer, bytes, rows })]
  return cutFiles(hours, bytes / rows).map((cut) =>
    chunk({ layer, from: cut.timeRange.from, to: cut.timeRange.to, rows: cut.rows, bytes: (cut.rows * bytes) / rows }),
  )
}

test('merging comes to an end, whatever there is, and leaves few small chunks', () => {
  const anyChunk = fc
    .record({
      layer: fc.constantFrom<Layer>('realtime', 'archive'),
      hour: fc.integer({ min: 0, max: 40 }),
      hours: fc.oneof(
        { weight: 5, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) },
      ),
      bytes: fc.oneof(fc.integer({ min: 100, max: mebibyte }), fc.integer({ min: 100, max: 300 * mebibyte })),
    })
    .map(({ layer, hour, hours, bytes }) =>
      chunk({ layer, from: hour * hourSeconds, to: (hour + hours) * hourSeconds, bytes }),
    )
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 120 }), (all) => {
      let live = all
      for (let round = 0; ; round += 1) {
        expect(round).toBeLessThan(100)
        const merges = [
          ...planMajorMerges(live, now),
          ...planMinorMerges(live.filter(({ timeRange }) => timeRange.from >= hourNow)),
        ]
        const due = merges.length > 0 ? merges : planArchiveMerges(live)
        if (due.length === 0) break
        const gone = new Set(due.flatMap(({ inputs }) => inputs))
        live = [...live.filter((of) => !gone.has(of)), ...due.flatMap((merge) => performed(merge))]
      }
      expect(live.every(({ layer }) => layer === 'archive')).toBe(true)
    }),
    { numRuns: 200 },
  )
})
