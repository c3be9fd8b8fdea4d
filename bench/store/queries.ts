import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { withSession } from '../../src/base/duckdb/session.ts'
import { must } from '../../src/base/errors.ts'
import type { Table } from '../../src/store/store.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { always, limits, runBare, runInEngine } from './engine-time.ts'
import type { Shape } from './engine-time.ts'
import { columns, median, selectRows } from './rows.ts'

const perSecond = 1000

/** The beginning of an hour. */
const start = (Math.floor(Date.now() / 3_600_000) - 3) * 3600

/** Of the middle of the table. */
const fiveMinutes = (seconds: number) => ({ from: start + seconds / 2, to: start + seconds / 2 + 300 })

const shapesOf = ({ from, to }: { from: number; to: number }): Readonly<Record<string, Shape>> => ({
  'group by status': {
    sql: 'select status, count(*), sum(bytes) from t group by 1',
    columnCount: 3,
    range: always,
  },
  'sum of a number': { sql: 'select sum(seconds), avg(bytes) from t', columnCount: 2, range: always },
  'one user': {
    sql: `select count(*), max(time) from t where user_id = 'user-4242'`,
    columnCount: 2,
    range: always,
  },
  'top paths': {
    sql: 'select path, count(*) as n from t group by 1 order by n desc, path limit 10',
    columnCount: 2,
    range: always,
  },
  'five minutes': {
    sql: `select path, avg(seconds) from t where time >= ${from} and time < ${to} group by 1 order by 1 limit 100`,
    columnCount: 2,
    range: { from, to },
  },
})

/** By query: milliseconds at each stage, and bare DuckDB's beside them, with their ratios. */
export type QueryFigures = Readonly<Record<string, Readonly<Record<string, number>>>>

/**
 * An hour of one chunk a second, 1,000 rows each: the engine's time for five queries over the chunks as they arrived, after the
 * minor merges, after the major merge, and bare DuckDB's over one file with the same rows in order. Milliseconds, medians.
 */
export async function measureQueries(
  bench: MergeBench,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<QueryFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-bench-'))
  const shapes = shapesOf(fiveMinutes(seconds))
  const table = await bench.createTable('hour', columns)
  bench.setClock((start + 600) * 1000)
  await load(bench, table, seconds)
  const ideal = await writeIdeal(folder, seconds)
  const figures: Record<string, Record<string, number>> = {}
  for (const name of Object.keys(shapes)) figures[name] = {}
  try {
    await measure('as arrived', 1)
    await bench.merge(table)
    await measure('minor', rounds)
    bench.setClock(Date.now() + 2 * 3_600_000)
    await bench.merge(table)
    await measure('major', rounds)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return Object.fromEntries(
    Object.entries(figures).map(([name, of]) => {
      const ratio = (stage: string) => Number(((of[stage] ?? 0) / (of[`${stage}: bare`] ?? 1)).toFixed(2))
      return [name, { ...of, 'minor ratio': ratio('minor'), 'major ratio': ratio('major') }]
    }),
  )

  async function measure(stage: string, times: number): Promise<void> {
    for (const [name, shape] of Object.entries(shapes)) {
      const [ours, bare]: [number[], number[]] = [[], []]
      for (let round = 0; round < times; round += 1) {
        ours.push(await runInEngine(bench, table, shape, join(folder, 'ours.parquet')))
        bare.push(await runBare(shape, ideal, join(folder, 'bare.parquet')))
      }
      Object.assign(must(figures[name], 'the shape has figures'), {
        [stage]: Number(median(ours).toFixed(1)),
        ...(stage !== 'as arrived' && { [`${stage}: bare`]: Number(median(bare).toFixed(1)) }),
      })
    }
    const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
    console.log(`${stage}: ${snapshot?.chunkCount} chunks`)
  }
}

async function load(bench: MergeBench, table: Table, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const select = selectRows(second * perSecond, perSecond, { start, perSecond })
    await bench.add(table, [await bench.write(table, select)], `second ${second}`)
    if (process.stderr.isTTY && second % 60 === 0) process.stderr.write(`\rloading ${second} of ${seconds}`)
  }
}

async function writeIdeal(folder: string, seconds: number): Promise<string> {
  const path = join(folder, 'ideal.parquet')
  await withSession({ ...limits, spillDirectory: folder }, (session) =>
    session.run(
      `copy (${selectRows(0, seconds * perSecond, { start, perSecond })} order by time) to '${path}'
       (format parquet, compression zstd, compression_level 1)`,
    ),
  )
  return path
}
