import { systemClock } from '../../src/base/clock.ts'
import { withSession } from '../../src/base/duckdb/session.ts'
import { must } from '../../src/base/errors.ts'
import { parquetVersionDefault } from '../../src/base/parquet/version.ts'
import { executeQuery } from '../../src/process/engines/duckdb/execute.ts'
import { queryColumns } from '../../src/store/columns.ts'
import type { Table, TimeRange } from '../../src/store/store.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'

/** A query over one table, which it calls `t`. */
export interface Shape {
  readonly sql: string
  readonly columnCount: number
  /** The times that planning would find in it. */
  readonly range: TimeRange
}

export const always: TimeRange = { from: -Infinity, to: Infinity }

export const limits = { memoryBytes: 2e9, temporaryBytes: 10e9, threads: 2 }

/** As a query job runs it: a fresh engine over exactly the chunks of its time. Milliseconds; the answer is left at `path`. */
export async function runInEngine(bench: MergeBench, table: Table, shape: Shape, path: string): Promise<number> {
  const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
  const chunks = await bench.store.findChunks(must(snapshot, 'the table exists'), [shape.range])
  const local = await Promise.all(chunks.map(({ objectKey }) => bench.objects.materialize(objectKey)))
  const sql = shape.sql.replace('from t', 'from web.t')
  const startedMs = systemClock.monotonicMs()
  await executeQuery(
    {
      sql,
      whole: sql,
      offset: 0,
      database: 'web',
      nowUs: Date.now() * 1000,
      scheduledSeconds: 0,
      tables: [
        {
          database: 'web',
          name: 't',
          columns: queryColumns(table.columns),
          scans: [{ changes: [], files: local.map((of) => of.path) }],
        },
      ],
      references: [],
      sizes: chunks.map(({ bytes }) => bytes),
      projection: Array.from({ length: shape.columnCount }, (_, index) => ({
        expression: `cast(c${index} as varchar)`,
        name: `c${index}`,
      })),
      columnCount: shape.columnCount,
      fieldIds: null,
      fileBytes: null,
      path,
      spillDirectory: `${path}.spill`,
      limits,
      small: null,
      kept: null,
    },
    withSession,
    { progress: () => {} },
    { clock: systemClock, parquetVersion: parquetVersionDefault },
  )
  const took = systemClock.monotonicMs() - startedMs
  for (const object of local) object.release()
  return took
}

/** A fresh DuckDB that writes the same answer to a file of the same kind. */
export async function runBare(shape: Shape, ideal: string, path: string): Promise<number> {
  const names = Array.from({ length: shape.columnCount }, (_, index) => `c${index}`)
  const items = names.map((name) => `cast(${name} as varchar) as ${name}`)
  const startedMs = systemClock.monotonicMs()
  await withSession({ ...limits, spillDirectory: null }, async (session) => {
    await session.run(`create view t as select * from read_parquet('${ideal}')`)
    await session.run(
      `copy (select ${items.join(', ')} from (${shape.sql}) as answer(${names.join(', ')})) to '${path}'
       (format parquet, compression zstd, compression_level 1)`,
    )
  })
  return systemClock.monotonicMs() - startedMs
}
