import { systemClock } from '../../src/base/clock.ts'
import { must } from '../../src/base/errors.ts'
import { sql } from '../../src/base/postgres/postgres.ts'
import type { MergeBench } from '../../src/store/testing/merge-bench.ts'
import { columns } from './rows.ts'
import type { Quantiles } from '../outcome.ts'
import { quantiles } from '../quantiles.ts'

const tenYears = 3652 * 86_400
const start = 1_400_000_000
const batch = 50_000

type PlanningFigures = Quantiles & { readonly 'chunks found': number }

/**
 * Finding the chunks of one day in tables of 10³ to 10⁶ chunks over ten years: opening the snapshot and asking the index,
 * milliseconds. Every chunk has statistics of six columns.
 */
export async function measurePlanning(
  bench: MergeBench,
  { rounds, chunksMax }: { readonly rounds: number; readonly chunksMax: number },
): Promise<Record<string, PlanningFigures>> {
  const figures: Record<string, PlanningFigures> = {}
  for (const count of [1000, 10_000, 100_000, 1_000_000].filter((chunks) => chunks <= chunksMax)) {
    const table = await bench.createTable(`chunks_${count}`, columns)
    for (let first = 0; first < count; first += batch) {
      await fill(bench, table.id, {
        first,
        last: Math.min(count, first + batch) - 1,
        step: Math.floor(tenYears / count),
      })
    }
    await bench.postgres.query(sql`update tables set snapshot = 1, chunks = ${count} where id = ${table.id}`)
    await bench.postgres.query(sql`analyze chunks`)
    const taken: number[] = []
    let found = 0
    for (let round = 0; round < 20 * rounds; round += 1) {
      const from = start + Math.floor(((round * 7919) % 3600) * 86_400)
      const startedMs = systemClock.monotonicMs()
      const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
      const chunks = await bench.store.findChunks(must(snapshot, 'it is there'), [{ from, to: from + 86_400 }])
      taken.push(systemClock.monotonicMs() - startedMs)
      found = chunks.length
    }
    figures[count.toLocaleString('en')] = { 'chunks found': found, ...quantiles(taken) }
  }
  return figures
}

async function fill(
  bench: MergeBench,
  tableId: number,
  { first, last, step }: { first: number; last: number; step: number },
): Promise<void> {
  await bench.postgres.query(sql`
    insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics, added_snapshot)
    select gen_random_uuid(), ${bench.accountId}, ${tableId}, 'archive',
           int8range(${start} + i::bigint * ${step}, ${start} + (i + 1)::bigint * ${step} + 1), 100000, 1000000,
           'chunks/' || ${bench.accountId} || '/' || ${tableId} || '/' || gen_random_uuid() || '.parquet',
           jsonb_build_object('1', jsonb_build_object('bytes', 1000, 'nulls', 0, 'min', i::text, 'max', (i + 1)::text),
                              '6', jsonb_build_object('bytes', 90000, 'nulls', 0, 'min', 'user-1', 'max', 'user-99999'),
                              '7', jsonb_build_object('bytes', 80000, 'nulls', 0, 'min', '/products/1', 'max', '/products/999'),
                              '8', jsonb_build_object('bytes', 5000, 'nulls', 0, 'min', '200', 'max', '500'),
                              '9', jsonb_build_object('bytes', 50000, 'nulls', 0, 'min', '0', 'max', '19999'),
                              '10', jsonb_build_object('bytes', 60000, 'nulls', 0, 'min', '0.0', 'max', '0.999')),
           1
      from generate_series(${first}::bigint, ${last}::bigint) i`)
}
