import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { withSession } from '../../src/base/duckdb/session.ts'
import { fileSchemaClause } from '../../src/store/columns.ts'
import { mergeFiles } from '../../src/store/merge/merge-files.ts'
import type { MergedFile } from '../../src/store/merge/tasks.ts'
import type { Table } from '../../src/store/store.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { columns, median, selectRows } from './rows.ts'

const chunkCount = 48
const start = (Math.floor(Date.now() / 3_600_000) - 3) * 3600
const limits = { memoryBytes: 2e9, temporaryBytes: 10e9, threads: 2 }

/**
 * Merges of 48 chunks with 4.8 million rows that cover the same hour, by time and by user and time, beside bare DuckDB's sorted copy
 * of the same rows from the same files, and from one unsorted file. Rows a second, medians.
 */
export async function measureMerges(
  bench: MergeBench,
  { rounds, rowsPerChunk }: { readonly rounds: number; readonly rowsPerChunk: number },
): Promise<Record<string, Record<string, number>>> {
  const rows = chunkCount * rowsPerChunk
  const folder = await mkdtemp(join(tmpdir(), 'biwa-bench-'))
  const table = await bench.createTable('merged', columns)
  const files = await load(bench, table, rowsPerChunk)
  const single = join(folder, 'single.parquet')
  const list = `[${files.map(({ path }) => `'${path}'`).join(', ')}]`
  const own = table.columns.filter(({ name }) => name !== 'time_us' && name !== '_rescued')
  await bare(
    `copy (select * from read_parquet(${list}, schema = ${fileSchemaClause(own)})) to '${single}' (format parquet, compression zstd, compression_level 1)`,
  )
  const figures: Record<string, Record<string, number>> = {}
  for (const [name, order] of Object.entries({ time: ['time'], 'user_id, time': ['user_id', 'time'] })) {
    const taken: Record<string, number[]> = { merge: [], 'bare, same files': [], 'bare, one file': [] }
    for (let round = 0; round < rounds; round += 1) {
      taken['merge']?.push(await merge(order))
      taken['bare, same files']?.push(await copy(`${list}, schema = ${fileSchemaClause(own)}`, order))
      taken['bare, one file']?.push(await copy(`'${single}'`, order))
    }
    const rate = (of: string) => Math.round(rows / (median(taken[of] ?? []) / 1000))
    figures[`by ${name}`] = {
      merge: rate('merge'),
      'bare, same files': rate('bare, same files'),
      'bare, one file': rate('bare, one file'),
      'ratio to one file': Number((rate('merge') / rate('bare, one file')).toFixed(2)),
    }
  }
  await rm(folder, { recursive: true, force: true })
  return figures

  async function merge(order: readonly string[]): Promise<number> {
    const directory = join(folder, 'merge')
    await mkdir(directory)
    const startedMs = systemClock.monotonicMs()
    await mergeFiles(
      { files, columns: table.columns, sortedBy: order, layer: 'archive', unchangedMax: 0, directory, limits },
      withSession,
      { progress: () => {} },
    )
    const took = systemClock.monotonicMs() - startedMs
    await rm(directory, { recursive: true })
    return took
  }

  async function copy(source: string, order: readonly string[]): Promise<number> {
    const target = join(folder, 'bare.parquet')
    const startedMs = systemClock.monotonicMs()
    await bare(
      `copy (select * from read_parquet(${source}) order by ${order.join(', ')}) to '${target}' (format parquet, compression zstd, compression_level 1)`,
    )
    const took = systemClock.monotonicMs() - startedMs
    await rm(target)
    return took
  }

  async function bare(statement: string): Promise<void> {
    await withSession({ ...limits, spillDirectory: join(folder, 'spill') }, (session) => session.run(statement))
  }
}

async function load(bench: MergeBench, table: Table, rowsPerChunk: number): Promise<MergedFile[]> {
  const rows = chunkCount * rowsPerChunk
  const files: MergedFile[] = []
  for (let index = 0; index < chunkCount; index += 1) {
    // Each has rows of all the hour, so that nothing is in order beforehand.
    const select = selectRows(index * rowsPerChunk, rowsPerChunk, { start, perSecond: rows }).replace(
      `${start} + i // ${rows}`,
      `${start} + hash(i + 5) % 3600`,
    )
    const chunk = await bench.write(table, select)
    const { path } = await bench.objects.materialize(chunk.objectKey)
    files.push({ path, rows: chunk.rows, bytes: chunk.bytes, crc32: chunk.crc32, withoutNan: [] })
  }
  return files
}
