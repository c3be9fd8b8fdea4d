import type { Door } from './ingest/load.ts'
import type { QueryFigures } from './ingest/queries.ts'
import { measureStep, openLoadSession } from './ingest/session.ts'
import type { LoadSession, Step } from './ingest/session.ts'
import type { Shape, WireFormat } from './ingest/shapes.ts'
import { bareDuckdb, plainCopy } from './ingest/yardsticks.ts'
import type { Yardstick } from './ingest/yardsticks.ts'
import type { Options } from './options.ts'
import { mapped } from './outcome.ts'
import type { Outcome, Section } from './outcome.ts'
import { median } from './store/rows.ts'

/** What counts as sustained: nothing refused, and soon after the last acknowledgement everything can be queried. */
const drainSecondsMax = 3
/** Parts of what was taken in without a rate at which it is then offered. */
const offered = [0.6, 0.75, 0.9, 1.05, 1.2]
const lines = 16
const recordsEach = 10_000

/**
 * Records from a loader of its own process to where a query has them. Included: authentication, ids against repetition, a
 * sync before each acknowledgement, the commit in PostgreSQL, merges and sweeping, and the loader on the same cores.
 * With `--rate=N` that many records a second are offered, with `--rate=flood` as many as are taken from senders that come again when
 * they are told to; without it the rate goes up step by step as long as it is sustained.
 */
export async function run(options: Options): Promise<Outcome> {
  const shapes = options.list('shape') as Shape[]
  const formats = options.list('format') as WireFormat[]
  const doors = options.list('door') as ('import' | 'forward')[]
  const backlog = options.given('backlog')
  const session = await openLoadSession({
    isAsked: Number(options.text('queries')) > 0,
    flags: backlog === undefined ? [] : [`--backlog-seconds=${backlog}`],
  })
  const result: Record<string, DoorFigures> = {}
  try {
    for (const shape of shapes) {
      const records = shape === 'narrow' ? 1_000_000 : 200_000
      const yardsticks = { duckdb: await bareDuckdb(shape, records), copy: plainCopy(shape, records) }
      console.log(`\n${shape}: bare DuckDB, NDJSON to Parquet, ${shown(yardsticks.duckdb.recordsPerSecond)} records/s`)
      console.log(`${shape}: plain copy with a sync each MB, ${yardsticks.copy.megabytesPerSecond.toFixed(0)} MB/s`)
      for (const door of doors) {
        for (const format of door === 'forward' ? (['msgpack'] as const) : formats) {
          const name = `${shape} ${door} ${format}.gz`
          const steps = await measureDoor(session, options, { door, shape, format })
          const mayRefuse = options.given('rate') === 'flood'
          const best = steps
            .filter((step) => isSustained(step, mayRefuse))
            .toSorted((a, b) => b.queryablePerSecond - a.queryablePerSecond)[0]
          result[name] = { yardsticks, steps, sustained: best ?? null }
          const ratio = (best?.queryablePerSecond ?? Number.NaN) / yardsticks.duckdb.recordsPerSecond
          console.log(
            `${name}: sustained ${shown(best?.queryablePerSecond)} records/s, ${ratio.toFixed(2)} × bare DuckDB`,
          )
        }
      }
    }
  } finally {
    await session.close()
  }
  return { figures: result, sections: sectionsOf(result) }
}

interface DoorFigures {
  readonly yardsticks: Readonly<Record<'duckdb' | 'copy', Yardstick>>
  readonly steps: readonly Step[]
  readonly sustained: Step | null
}

function sectionsOf(result: Readonly<Record<string, DoorFigures>>): Section[] {
  const stepsOf = <Value>(of: (step: Step) => Record<string, Value>): Record<string, Record<string, Value>> =>
    Object.fromEntries(
      Object.entries(result).flatMap(([name, { steps }]) =>
        steps.map((step, index) => [`${name}, step ${index + 1}`, of(step)]),
      ),
    )
  const rates = mapped(result, ({ yardsticks, sustained }) => ({
    Biwa: sustained?.queryablePerSecond ?? null,
    'bare DuckDB': yardsticks.duckdb.recordsPerSecond,
  }))
  return [
    {
      kind: 'amounts',
      title: 'Sustained until a query has them',
      unit: 'records/s',
      better: 'more',
      yardstick: 'bare DuckDB',
      rows: rates,
    },
    {
      kind: 'amounts',
      title: 'Step by step',
      unit: 'records/s',
      better: 'more',
      rows: stepsOf((step) => ({ acknowledged: step.acknowledgedPerSecond, queryable: step.queryablePerSecond })),
    },
    {
      kind: 'quantiles',
      title: 'Latencies',
      unit: 'ms',
      rows: stepsOf((step) => ({
        acknowledged: step.ackMs,
        queryable: step.queryableMs,
        ...(step.queries !== null && { queries: step.queries.ms }),
      })),
    },
    {
      kind: 'amounts',
      title: 'Processor time',
      unit: 'CPU s a million records',
      better: 'less',
      rows: stepsOf((step) => step.cpuSecondsPerMillion),
    },
  ]
}

/** Of a flood, what was refused was sent again. */
function isSustained({ refused, drainSeconds }: Step, mayRefuse = false): boolean {
  return (mayRefuse || refused === 0) && drainSeconds <= drainSecondsMax
}

async function measureDoor(
  session: LoadSession,
  options: Options,
  { door, shape, format }: { readonly door: Door; readonly shape: Shape; readonly format: WireFormat },
): Promise<Step[]> {
  const seconds = options.number('seconds')
  const rounds = options.number('rounds')
  const rate = options.given('rate')
  const table = `${shape}_${door}_${format}`
  const isFlood = rate === 'flood'
  const queries = Number(options.text('queries'))
  const each = shape === 'narrow' ? recordsEach : recordsEach / 5
  const order = { door, table, shape, format, recordsEach: each, lines, comesAgain: isFlood, queries }
  const steps: Step[] = []
  const step = async (perSecond: number | null, stepSeconds: number): Promise<Step> => {
    const figures = await measureStep(session, { ...order, perSecond, seconds: stepSeconds })
    console.log(shownStep(perSecond, figures))
    return figures
  }
  if (rate !== undefined) {
    const perSecond = isFlood ? null : Number(rate)
    await step(perSecond, 2)
    for (let round = 0; round < rounds; round += 1) steps.push(await step(perSecond, seconds))
    return steps
  }
  await step(null, 2)
  const calibrations: number[] = []
  for (let round = 0; round < rounds; round += 1) calibrations.push((await step(null, 3)).queryablePerSecond)
  for (const part of offered) {
    const figures = await step(median(calibrations) * part, seconds)
    steps.push(figures)
    if (!isSustained(figures)) break
  }
  return steps
}

function shownStep(perSecond: number | null, step: Step): string {
  const { ackMs, queryableMs, cpuSecondsPerMillion: cpu, bytesEach, queryablePerSecond } = step
  const cores = Object.entries(cpu).map(([kind, seconds]) => `${kind} ${seconds}`)
  return [
    `  offered ${(perSecond === null ? 'no limit' : shown(perSecond)).padStart(9)}`,
    `queryable ${shown(queryablePerSecond)}/s (${((queryablePerSecond * bytesEach) / 1e6).toFixed(0)} MB/s)`,
    `drained in ${step.drainSeconds.toFixed(1)} s`,
    `ack p50 ${ackMs.p50} p99 ${ackMs.p99} ms`,
    `queryable p50 ${queryableMs.p50} p99 ${queryableMs.p99} ms`,
    `refused ${step.refused}`,
    ...(step.queries === null ? [] : [shownQueries(step.queries)]),
    `CPU s per million: ${cores.join(', ')}`,
  ].join('; ')
}

const shownQueries = ({ asked, errors, ms }: QueryFigures): string =>
  `${asked} queries p50 ${ms.p50} p99 ${ms.p99} ms, ${errors} errors`

const shown = (value: number | undefined): string =>
  value === undefined ? 'nothing' : Math.round(value).toLocaleString('en')
