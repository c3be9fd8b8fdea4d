import { z } from 'zod'

const quantilesShape = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() })

/** By what a row is about, and by series: a contender, a stage, a kind of process. Null where nothing was measured. */
const rowsOf = <Value extends z.ZodType>(value: Value) =>
  z.record(z.string(), z.record(z.string(), value.nullable().optional()))

/**
 * Figures in a shape that needs no knowledge of their benchmark. Where one of the series is the yardstick, the others are told as
 * multiples of it before all else.
 */
export const sectionShape = z.discriminatedUnion('kind', [
  /** How many times as good: above 1 is better. For ratios that are more exact than those of the figures, such as medians of rounds. */
  z.object({ kind: z.literal('ratios'), title: z.string(), rows: rowsOf(z.number()) }),
  z.object({
    kind: z.literal('amounts'),
    title: z.string(),
    unit: z.string(),
    better: z.enum(['more', 'less']),
    yardstick: z.string().optional(),
    rows: rowsOf(z.number()),
  }),
  /** Of times; less is better. */
  z.object({
    kind: z.literal('quantiles'),
    title: z.string(),
    unit: z.string(),
    yardstick: z.string().optional(),
    rows: rowsOf(quantilesShape),
  }),
  /** How amounts went, minute by minute: each point has its minute first. */
  z.object({
    kind: z.literal('course'),
    title: z.string(),
    unit: z.string(),
    lines: z.record(z.string(), z.array(z.tuple([z.number(), z.number()]))),
  }),
])

export type Section = z.infer<typeof sectionShape>
export type Quantiles = z.infer<typeof quantilesShape>

/** What a benchmark found out. */
export interface Outcome {
  /** As `--json` prints them. */
  readonly figures: unknown
  /** The same for people, as the report shows them. */
  readonly sections: readonly Section[]
}

/** The rows as series and the series as rows. */
export function transposed<Value>(
  table: Readonly<Record<string, Readonly<Record<string, Value>>>>,
): Record<string, Record<string, Value>> {
  const turned: Record<string, Record<string, Value>> = {}
  for (const [row, values] of Object.entries(table)) {
    for (const [series, value] of Object.entries(values)) (turned[series] ??= {})[row] = value
  }
  return turned
}

/** Each row with what is made of it. */
export function mapped<Value, Made>(
  record: Readonly<Record<string, Value>>,
  of: (value: Value) => Made,
): Record<string, Made> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value)]))
}

/** Only the series of these names. */
export function picked<Series extends object, Name extends keyof Series & string>(
  series: Series,
  names: readonly Name[],
): Record<string, Series[Name] | null> {
  return Object.fromEntries(names.map((name) => [name, series[name] ?? null]))
}
