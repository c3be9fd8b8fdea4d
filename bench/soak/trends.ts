import type { Sample } from './samples.ts'

/** Something that a server holds: what was the least for nine tenths of the second and of the last quarter of the time. */
export interface Trend {
  readonly what: string
  readonly unit: string
  readonly second: number
  readonly last: number
  /** Whether it does not grow, and so may go on for ever. */
  readonly isFlat: boolean
}

const growthMax = 0.1

/** Growth below that is a buffer more or less, or a connection, and no trend of so short a time. */
const noise = { MiB: 8, handles: 8, connections: 3 } as const

/**
 * Memory goes up until the garbage is collected, and down again, for minutes: what leaks is what is left then. One sample that is low by
 * chance, because a process was just replaced, counts as little as a high one.
 */
function floorOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 10)] ?? 0
}

/** The first quarter warms up. Files and rows are no part of it: they become more with the data until their time is over. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const quarter = Math.floor(samples.length / 4)
  const [second, last] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)]
  const trend = (what: string, unit: keyof typeof noise, of: (sample: Sample) => number): Trend => {
    const [before, after] = [floorOf(second.map(of)), floorOf(last.map(of))]
    const isFlat = after <= before * (1 + growthMax) || after - before <= noise[unit]
    return { what, unit, second: before, last: after, isFlat }
  }
  const kinds = [...new Set(samples.flatMap(({ memory }) => Object.keys(memory)))]
  return [
    ...kinds.map((kind) => trend(`memory of ${kind}`, 'MiB', ({ memory }) => memory[kind] ?? 0)),
    ...kinds.map((kind) => trend(`handles of ${kind}`, 'handles', ({ handles }) => handles[kind] ?? 0)),
    trend('connections to PostgreSQL', 'connections', ({ connections }) => connections),
  ]
}
