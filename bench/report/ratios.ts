import { mapped } from '../outcome.ts'
import type { Quantiles, Section } from '../outcome.ts'

export type Ratios = Extract<Section, { kind: 'ratios' }>

type Cell<Value> = Value | null | undefined

/** How many times as good as the yardstick everything else is, above 1 being better. Nothing where there is no yardstick. */
export function ratiosOf(section: Section): Ratios[] {
  switch (section.kind) {
    case 'ratios':
      return [section]
    case 'course':
      return []
    case 'amounts': {
      const { yardstick, better } = section
      if (yardstick === undefined) return []
      const ratio = (ours: number, theirs: number): number => (better === 'more' ? ours / theirs : theirs / ours)
      return [ratiosTo(yardstick, section.title, compared(section.rows, yardstick, ratio))]
    }
    case 'quantiles': {
      const { yardstick } = section
      if (yardstick === undefined) return []
      const quantile =
        (name: 'p50' | 'p99') =>
        (ours: Quantiles, theirs: Quantiles): number =>
          theirs[name] / ours[name]
      return (['p50', 'p99'] as const).map((name) =>
        ratiosTo(yardstick, `${section.title}, ${name}`, compared(section.rows, yardstick, quantile(name))),
      )
    }
  }
}

function ratiosTo(yardstick: string, title: string, rows: Ratios['rows']): Ratios {
  return { kind: 'ratios', title: `${title}: times as good as ${yardstick}`, rows }
}

function compared<Value>(
  rows: Readonly<Record<string, Readonly<Record<string, Cell<Value>>>>>,
  yardstick: string,
  ratio: (ours: Value, theirs: Value) => number,
): Ratios['rows'] {
  return mapped(rows, (series) => {
    const theirs = series[yardstick] ?? undefined
    const others = Object.entries(series).filter(([name]) => name !== yardstick)
    return Object.fromEntries(
      others.map(([name, ours]) => {
        const made = theirs === undefined || ours === undefined || ours === null ? Number.NaN : ratio(ours, theirs)
        return [name, Number.isFinite(made) ? made : null]
      }),
    )
  })
}
