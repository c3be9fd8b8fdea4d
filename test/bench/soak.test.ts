import { expect, test } from 'vitest'

import type { Sample } from '../../bench/soak/samples.ts'
import { trendsOf } from '../../bench/soak/trends.ts'

/** Forty samples, of which each tells what the api holds then. */
function soaked(memory: (sample: number) => number, handles: (sample: number) => number = () => 50): Sample[] {
  const nothing = { resident: {}, processes: {}, files: {}, rows: {} }
  return Array.from({ length: 40 }, (_, index) => ({
    ...nothing,
    minute: index,
    memory: { api: memory(index) },
    handles: { api: handles(index) },
    connections: 20,
  }))
}

const growing = (samples: readonly Sample[]): string[] =>
  trendsOf(samples).flatMap(({ what, isFlat }) => (isFlat ? [] : [what]))

test('what warms up in the first quarter and stays is flat', () => {
  expect(growing(soaked((index) => Math.min(index, 10) * 20))).toEqual([])
})

test('a leak of memory or of handles is seen', () => {
  expect(growing(soaked((index) => 100 + index * 2))).toEqual(['memory of api'])
  expect(
    growing(
      soaked(
        () => 100,
        (index) => 50 + index,
      ),
    ),
  ).toEqual(['handles of api'])
})

test('what goes up until the garbage is collected is flat, unless more is left each time', () => {
  expect(growing(soaked((index) => 60 + (index % 7) * 10))).toEqual([])
  expect(growing(soaked((index) => 60 + (index % 7) * 10 + index))).toEqual(['memory of api'])
})

test('a single high sample is no trend, and neither is a tenth more, or little of little', () => {
  expect(growing(soaked((index) => (index === 35 ? 900 : 100)))).toEqual([])
  expect(growing(soaked((index) => (index < 20 ? 100 : 110)))).toEqual([])
  expect(growing(soaked((index) => (index < 20 ? 10 : 17)))).toEqual([])
})
