import { openPostgres } from '../src/base/postgres/postgres.ts'
import { openMergeBench } from '../src/store/testing/merge-bench.ts'
import type { MergeBench } from '../src/store/testing/merge-bench.ts'
import type { Options } from './options.ts'
import { mapped, picked } from './outcome.ts'
import type { Outcome, Section } from './outcome.ts'
import { startServer } from './queue/server.ts'
import { rowsOf } from './queue/table.ts'
import { measureMerges } from './store/merges.ts'
import { measurePlanning } from './store/planning.ts'
import { measureQueries } from './store/queries.ts'
import type { QueryFigures } from './store/queries.ts'

interface Measured {
  readonly figures: object
  readonly sections: readonly Section[]
}

const parts: Readonly<Record<string, (bench: MergeBench, options: Options) => Promise<Measured>>> = {
  queries,
  merges,
  planning,
}

/**
 * The store: queries before and after merges beside bare DuckDB over one ideal file, the rate of merges beside bare DuckDB's own
 * sorted copy of the same rows, and how long it takes to find the chunks of a day among many.
 */
export async function run(options: Options): Promise<Outcome> {
  const only = options.list('only')
  const server = await startServer()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 6, applicationName: 'bench' })
  const bench = await openMergeBench({ postgres, close: () => postgres.close() })
  const results: Record<string, unknown> = {}
  const shown: Section[] = []
  try {
    for (const [name, measure] of Object.entries(parts)) {
      if (!only.includes(name)) continue
      const { figures, sections } = await measure(bench, options)
      results[name] = figures
      shown.push(...sections)
      console.log([`\n${name}`, ...rowsOf(figures)].join('\n'))
    }
  } finally {
    await bench.close()
    await server.stop()
  }
  return { figures: results, sections: shown }
}

async function queries(bench: MergeBench, options: Options): Promise<Measured> {
  const figures = await measureQueries(bench, { rounds: options.number('rounds'), seconds: options.number('seconds') })
  const section = { kind: 'amounts', unit: 'ms', better: 'less' } as const
  const beside = (stage: string): QueryFigures =>
    mapped(figures, (of) => ({ Biwa: of[stage] ?? Number.NaN, 'bare DuckDB': of[`${stage}: bare`] ?? Number.NaN }))
  return {
    figures,
    sections: [
      { ...section, title: 'Queries after the minor merges', yardstick: 'bare DuckDB', rows: beside('minor') },
      { ...section, title: 'Queries after the major merge', yardstick: 'bare DuckDB', rows: beside('major') },
      {
        ...section,
        title: 'Queries of the chunks as they arrived',
        rows: mapped(figures, (of) => ({ Biwa: of['as arrived'] })),
      },
    ],
  }
}

async function merges(bench: MergeBench, options: Options): Promise<Measured> {
  const size = { rounds: options.number('rounds'), rowsPerChunk: options.number('merged') }
  const figures = await measureMerges(bench, size)
  const rows = mapped(figures, (of) => picked(of, ['merge', 'bare, same files', 'bare, one file']))
  const section = { kind: 'amounts', unit: 'rows/s', better: 'more', yardstick: 'bare, one file', rows } as const
  return { figures, sections: [{ ...section, title: 'Merges' }] }
}

async function planning(bench: MergeBench, options: Options): Promise<Measured> {
  const size = { rounds: options.number('rounds'), chunksMax: options.number('chunks') }
  const figures = await measurePlanning(bench, size)
  const rows = Object.fromEntries(
    Object.entries(figures).map(([chunks, taken]) => [`${chunks} chunks`, { Biwa: taken }]),
  )
  return { figures, sections: [{ kind: 'quantiles', title: 'To find the chunks of a day', unit: 'ms', rows }] }
}
