import { basename, dirname, join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { withSession } from '../../src/base/duckdb/session.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { ask } from '../query/platform.ts'
import type { QueryAccount } from '../query/platform.ts'
import { limits, runBare, runInEngine } from '../store/engine-time.ts'
import type { Shape } from '../store/engine-time.ts'
import type { Chdb } from './chdb.ts'
import type { ScannedTable } from './table.ts'

/** Milliseconds, and the answer as text, with which those of others are compared. */
export interface Turn {
  readonly ms: number
  readonly answer: string
}

export type Contender = (shape: Shape) => Promise<Turn>

interface Inputs {
  readonly bench: MergeBench
  readonly scanned: ScannedTable
  readonly ideal: string
  /** The same in other encodings. */
  readonly encoded: string
  /** For answers while they are read. */
  readonly folder: string
  /** The account of the table, at a whole server over the same objects. */
  readonly account: QueryAccount
  readonly chdb: Chdb
}

export function contendersOf({
  bench,
  scanned,
  ideal,
  encoded,
  folder,
  account,
  chdb,
}: Inputs): Readonly<Record<string, Contender>> {
  const path = join(folder, 'answer.parquet')
  return {
    Biwa: async (shape) => ({ ms: await runInEngine(bench, scanned.table, shape, path), answer: await answerIn(path) }),
    'end to end': (shape) => askServer(account, shape),
    'bare DuckDB': async (shape) => ({ ms: await runBare(shape, ideal, path), answer: await answerIn(path) }),
    'bare, Parquet v2': async (shape) => ({ ms: await runBare(shape, encoded, path), answer: await answerIn(path) }),
    'chdb, same files': (shape) => runChdb(chdb, shape, scanned.files),
    'chdb, ideal file': (shape) => runChdb(chdb, shape, [ideal]),
  }
}

async function answerIn(path: string): Promise<string> {
  const rows = await withSession({ ...limits, spillDirectory: null }, (session) => session.rows(`from '${path}'`))
  return textOf(rows)
}

/** From the request that submits the query until its rows are here as JSON. */
async function askServer(account: QueryAccount, { sql }: Shape): Promise<Turn> {
  const { rows, ms } = await ask(account, sql.replace('from t', 'from logs'))
  return { ms: ms.done + ms.read, answer: textOf(rows) }
}

/** In this process, where its engine and what it knows of the files stay from query to query. */
async function runChdb(chdb: Chdb, { sql }: Shape, files: readonly string[]): Promise<Turn> {
  // Its braces stand for names within one directory only.
  const [directory] = files.map((file) => dirname(file))
  const source = `file('${directory}/{${files.map((file) => basename(file)).join(',')}}', Parquet)`
  const startedMs = systemClock.monotonicMs()
  const answer = await chdb.queryAsync(
    `${sql.replace('from t', `from ${source}`)} settings max_threads = ${limits.threads}`,
    {
      format: 'JSONCompact',
    },
  )
  const ms = systemClock.monotonicMs() - startedMs
  const { data } = answer.json<{ data: unknown[][] }>()
  return { ms, answer: textOf(data) }
}

/** Some write a large number as a number, and others as text. */
function textOf(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => row.map(String).join('\t')).join('\n')
}
