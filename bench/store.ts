import { rowsOf } from './queue/table.ts'
import { startServer } from './queue/server.ts'
import { openPostgres } from '../src/base/postgres/postgres.ts'
import { openMergeBench } from '../src/store/testing/merge-bench.ts'
import { measureMerges } from './store/merges.ts'
import { measurePlanning } from './store/planning.ts'
import { measureQueries } from './store/queries.ts'

/**
 * The store: queries before and after merges beside bare DuckDB over one ideal file, the rate of merges beside bare DuckDB's own
 * sorted copy of the same rows, and how long it takes to find the chunks of a day among many.
 * `--only=queries,merges,planning`, `--rounds=5`.
 */
export async function run(): Promise<unknown> {
  const only = argument('only')?.split(',') ?? ['queries', 'merges', 'planning']
  const rounds = Number(argument('rounds') ?? 5)
  const server = await startServer()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 6, applicationName: 'bench' })
  const bench = await openMergeBench({ postgres, close: () => postgres.close() })
  const result: Record<string, unknown> = {}
  try {
    for (const [name, measure] of Object.entries({
      queries: () => measureQueries(bench, rounds),
      merges: () => measureMerges(bench, rounds),
      planning: () => measurePlanning(bench, rounds),
    })) {
      if (!only.includes(name)) continue
      const figures = await measure()
      result[name] = figures
      console.log([`\n${name}`, ...rowsOf(figures)].join('\n'))
    }
  } finally {
    await bench.close()
    await server.stop()
  }
  return result
}

function argument(name: string): string | undefined {
  return process.argv.find((of) => of.startsWith(`--${name}=`))?.slice(name.length + 3)
}
