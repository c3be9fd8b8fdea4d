import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'

import { assert, must } from '../src/base/errors.ts'
import { openPostgres } from '../src/base/postgres/postgres.ts'
import { openMergeBench } from '../src/store/testing/merge-bench.ts'
import type { Options } from './options.ts'
import { mapped } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { startServer } from './queue/server.ts'
import { rowsOf } from './queue/table.ts'
import { loadChdb } from './scan/chdb.ts'
import { contendersOf } from './scan/contenders.ts'
import type { Contender } from './scan/contenders.ts'
import { hours } from './scan/rows.ts'
import { serveTables } from './scan/server.ts'
import { shapes } from './scan/shapes.ts'
import { encodeAnew, makeTable, writeIdeal } from './scan/table.ts'
import type { Shape } from './store/engine-time.ts'
import { median } from './store/rows.ts'

/**
 * Ten queries over a merged table of narrow rows, in the engine and through a whole server, beside bare DuckDB over one ideal file
 * with the same rows, and chdb over either. Fails where two answers differ.
 */
export async function run(options: Options): Promise<Outcome> {
  const rowsPerHour = Math.ceil(options.number('rows') / hours)
  const rounds = options.number('rounds')
  const chdb = await loadChdb()
  const folder = await mkdtemp(join(tmpdir(), 'biwa-bench-'))
  const database = await startServer()
  const postgres = await openPostgres({ url: database.url, connectionsMax: 6, applicationName: 'bench' })
  const bench = await openMergeBench({ postgres, close: () => postgres.close() })
  try {
    const scanned = await makeTable(bench, rowsPerHour)
    const bytes = scanned.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
    const ideal = await writeIdeal(folder, rowsPerHour)
    const encoded = await encodeAnew(folder, ideal)
    const table = { rows: scanned.rows, chunks: scanned.chunks.length, megabytes: Math.round(bytes / 1e6) }
    console.log(rowsOf(table).join('\n'))
    const server = await serveTables(bench, database.url)
    try {
      const contenders = contendersOf({ bench, scanned, ideal, encoded, folder, account: server.account, chdb })
      const taken = await takeTurns(contenders, rounds)
      const milliseconds = figures(taken, (of) => Number(median(of).toFixed(1)))
      const rates = figures(taken, (of) => Number((scanned.rows / median(of) / 1000).toFixed(1)))
      const ratios = ratiosOf(taken)
      const sections = { milliseconds, 'million rows/s': rates, 'times as fast': ratios }
      console.log(`\nload of the machine ${loadavg()[0]?.toFixed(1)}`)
      for (const [name, of] of Object.entries(sections)) console.log([`\n${name}`, ...rowsOf(of)].join('\n'))
      return {
        figures: { table, ...sections },
        sections: [
          { kind: 'ratios', title: 'Times as fast, medians of rounds', rows: ratios },
          { kind: 'amounts', title: 'Time', unit: 'ms', better: 'less', rows: milliseconds },
          { kind: 'amounts', title: 'Rate', unit: 'million rows/s', better: 'more', rows: rates },
        ],
      }
    } finally {
      await server.stop()
    }
  } finally {
    await bench.close()
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Milliseconds by shape and contender, one for each round. */
type Taken = Readonly<Record<string, Readonly<Record<string, number[]>>>>

/** Each round begins with another contender. The first is not counted: it reads the files into the memory of the machine. */
async function takeTurns(contenders: Readonly<Record<string, Contender>>, rounds: number): Promise<Taken> {
  const names = Object.keys(contenders)
  const taken = Object.fromEntries(
    Object.keys(shapes).map((shape) => [
      shape,
      Object.fromEntries(names.map((name): [string, number[]] => [name, []])),
    ]),
  )
  for (let round = 0; round <= rounds; round += 1) {
    const order = names.map((_, index) => must(names[(index + round) % names.length], 'it is one of them'))
    for (const [name, shape] of Object.entries(shapes)) {
      const took = await takeTurn(contenders, order, name, shape)
      if (round > 0) for (const [contender, ms] of took) taken[name]?.[contender]?.push(ms)
    }
  }
  return taken
}

async function takeTurn(
  contenders: Readonly<Record<string, Contender>>,
  order: readonly string[],
  name: string,
  shape: Shape,
): Promise<[string, number][]> {
  const took: [string, number][] = []
  let first: string | undefined
  for (const contender of order) {
    const { ms, answer } = await must(contenders[contender], 'it takes part')(shape)
    first ??= answer
    assert(answer === first, `${name}: ${contender} answers\n${answer}\nand ${order[0]}\n${first}`)
    took.push([contender, ms])
  }
  return took
}

function figures(taken: Taken, of: (ms: number[]) => number): Record<string, Record<string, number>> {
  return mapped(taken, (contenders) => mapped(contenders, of))
}

/**
 * How many times as fast. Medians of the ratios within rounds, whose turns follow each other closely: a slow minute of the
 * machine has them all.
 */
function ratiosOf(taken: Taken): Record<string, Record<string, number>> {
  return mapped(taken, (by) => {
    const ratio = (ours: string, theirs: string): number => {
      const rounds = must(by[theirs], 'it took part').map((ms, round) => ms / must(by[ours]?.[round], 'it did as well'))
      return Number(median(rounds).toFixed(2))
    }
    return {
      'Biwa to bare DuckDB': ratio('Biwa', 'bare DuckDB'),
      'end to end to bare DuckDB': ratio('end to end', 'bare DuckDB'),
      'bare, Parquet v2 to v1': ratio('bare, Parquet v2', 'bare DuckDB'),
      'Biwa to chdb, same files': ratio('Biwa', 'chdb, same files'),
      'Biwa to chdb, ideal file': ratio('Biwa', 'chdb, ideal file'),
    }
  })
}
