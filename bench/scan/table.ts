import { join } from 'node:path'

import { withSession } from '../../src/base/duckdb/session.ts'
import { assert, must } from '../../src/base/errors.ts'
import type { Chunk, Table } from '../../src/store/store.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { always, limits } from '../store/engine-time.ts'
import { columns, hours, selectHours, start } from './rows.ts'

export interface ScannedTable {
  readonly table: Table
  readonly rows: number
  /** Of the archive: what the merges made of what was imported. */
  readonly chunks: readonly Chunk[]
  /** Where the chunks lie. */
  readonly files: readonly string[]
}

/** A chunk an hour, committed as imports do, and then the merges that are due once all the hours are over. */
export async function makeTable(bench: MergeBench, rowsPerHour: number): Promise<ScannedTable> {
  const table = await bench.createTable('logs', columns)
  bench.setClock((start + 600) * 1000)
  for (let hour = 0; hour < hours; hour += 1) {
    const chunk = await bench.write(table, selectHours(hour, 1, rowsPerHour))
    await bench.add(table, [chunk], `hour ${hour}`)
  }
  bench.setClock(Date.now() + 2 * 3_600_000)
  await bench.merge(table)
  const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
  const chunks = await bench.store.findChunks(must(snapshot, 'the table exists'), [always])
  assert(
    chunks.every(({ layer }) => layer === 'archive'),
    'all chunks were merged',
  )
  const files = chunks.map(({ objectKey }) => join(bench.objectsDirectory, objectKey))
  return { table, rows: rowsPerHour * hours, chunks, files }
}

/** The same rows as nobody has them: in one file, in order of time, written by bare DuckDB at one go. */
export async function writeIdeal(folder: string, rowsPerHour: number): Promise<string> {
  const path = join(folder, 'ideal.parquet')
  await withSession({ ...limits, spillDirectory: join(folder, 'spill') }, (session) =>
    session.run(
      `copy (${selectHours(0, hours, rowsPerHour)} order by time) to '${path}'
       (format parquet, compression zstd, compression_level 1)`,
    ),
  )
  return path
}

/** The ideal file as it would be with the encodings that Parquet has had since its second version, of which chunks have none. */
export async function encodeAnew(folder: string, ideal: string): Promise<string> {
  const path = join(folder, 'encoded.parquet')
  await withSession({ ...limits, spillDirectory: join(folder, 'spill') }, (session) =>
    session.run(
      `copy (from '${ideal}') to '${path}' (format parquet, compression zstd, compression_level 1, parquet_version v2)`,
    ),
  )
  return path
}
