import { expect, test } from 'vitest'

import type { TableLayout } from '../answers.ts'
import { layoutLines } from './table-picture.ts'

const hour = 3600
const from = 1_700_000_000 - (1_700_000_000 % hour)

const layout: TableLayout = {
  snapshot: 7,
  layers: [
    { layer: 'realtime', chunks: 3, rows: 300, bytes: 3000, from, to: from + 90, small_chunks: 3, small_bytes: 3000 },
    {
      layer: 'archive',
      chunks: 1,
      rows: 1_000_000,
      bytes: 200e6,
      from: from - hour,
      to: from,
      small_chunks: 0,
      small_bytes: 0,
    },
  ],
  small_bytes_max: 16_777_216,
  merges_due: { minor: 1, major: 0, chunks: 3, bytes: 3000 },
  overlap: { deepest: 3, average: 1.25, exact: true },
  histogram: {
    step_seconds: hour,
    steps: [
      { from: from - hour, realtime: 0, archive: 1, rows: 1_000_000, bytes: 200e6 },
      { from, realtime: 3, archive: 1, rows: 300, bytes: 3000 },
    ],
  },
  largest: [{ id: 'a', layer: 'archive', from: from - hour, to: from, rows: 1_000_000, bytes: 200e6 }],
  history: { chunks: 0, bytes: 0 },
  damaged: { chunks: 1, rows: 10 },
}

test('a layout is drawn within the width of the terminal', () => {
  expect(layoutLines(layout, 60)).toEqual([
    'Snapshot 7',
    '  realtime  3 chunks  300 rows        3.0 kB  2023-11-14 22:00:00 to 2023-11-14 22:01:30',
    '  archive   1 chunk   1,000,000 rows  200 MB  2023-11-14 21:00:00 to 2023-11-14 22:00:00',
    '',
    '  small files  3 below 17 MB, 3.0 kB in them',
    '  merges       1 merge due, of 3 chunks with 3.0 kB',
    '  overlap      3 at most, 1.25 on average',
    '  history      0 chunks, 0 B',
    '  damaged      1 chunk set aside, with 10 rows',
    '',
    'hour                   chunks    bytes  # archive  + realtime',
    '2023-11-14 21:00            1   200 MB  #####',
    '2023-11-14 22:00            4   3.0 kB  #####+++++++++++++++',
    '',
    'Largest chunks',
    '  a  archive  1,000,000 rows  200 MB  2023-11-14 21:00:00 to 2023-11-14 22:00:00',
  ])
})

test('an empty table has little to show', () => {
  const empty = { ...layout, layers: [], histogram: { step_seconds: hour, steps: [] }, largest: [] }
  expect(layoutLines(empty, 80)[0]).toBe('Snapshot 7 has no chunks.')
})
