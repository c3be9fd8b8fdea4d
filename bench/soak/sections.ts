import type { Section } from '../outcome.ts'
import type { Work } from './load.ts'
import type { Sample } from './samples.ts'
import type { Trend } from './trends.ts'

/** What the page of a soak shows: the verdict, and then how everything went. */
export function sectionsOf(samples: readonly Sample[], trends: readonly Trend[], work: Work): Section[] {
  const course = (title: string, unit: string, of: (sample: Sample) => Readonly<Record<string, number>>): Section => {
    const names = [...new Set(samples.flatMap((sample) => Object.keys(of(sample))))]
    const lines = names.map((name) => [
      name,
      samples.map((sample) => [sample.minute, of(sample)[name] ?? 0] as [number, number]),
    ])
    return { kind: 'course', title, unit, lines: Object.fromEntries(lines) as Record<string, [number, number][]> }
  }
  const verdict = trends.some(({ isFlat }) => !isFlat) ? 'something grows' : 'flat'
  const quarters = (unit: string): Section => ({
    kind: 'amounts',
    title: `Second and last quarter, ${unit} (all in all: ${verdict})`,
    unit,
    better: 'less',
    rows: Object.fromEntries(
      trends
        .filter((trend) => trend.unit === unit)
        .map(({ what, second, last, isFlat }) => [
          isFlat ? what : `${what} (grows)`,
          { 'second quarter': second, 'last quarter': last },
        ]),
    ),
  })
  return [
    quarters('MiB'),
    quarters('handles'),
    course('Memory (proportional set sizes)', 'MiB', ({ memory }) => memory),
    course('Resident memory', 'MiB', ({ resident }) => resident),
    course('Open handles', 'handles', ({ handles }) => handles),
    course('Processes', 'processes', ({ processes }) => processes),
    course('Connections to PostgreSQL', 'connections', ({ connections }) => ({ all: connections })),
    course('Files of the data directory', 'files', ({ files }) => files),
    course('Rows', 'rows', ({ rows }) => rows),
    { kind: 'quantiles', title: 'Latencies of what was asked', unit: 'ms', rows: { 'all of the time': work.ms } },
  ]
}
