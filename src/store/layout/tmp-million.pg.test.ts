import { test } from 'vitest'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { openStoreBench } from '../testing/store-bench.ts'
import { tableLayout } from './table-layout.ts'
import { selectOverlap, selectBuckets, selectLayers, selectLargest } from './layout.sql.ts'
test('x', { timeout: 300_000 }, async () => {
  const bench = await openStoreBench(await openTestDatabase())
  const accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  const t = await bench.store.createTable(accountId, 'web', 't')
  for (let b = 0; b < 20; b += 1)
    await bench.postgres
      .query(sql`insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics, added_snapshot)
    select gen_random_uuid(), ${accountId}, ${t.id}, 'archive', int8range(i*300, i*300+600), 10, 1000000, 'chunks/1/1/'||i, '{"1":{"bytes":100,"nulls":0,"min":"1","max":"2"},"6":{"bytes":100,"nulls":0,"min":"1","max":"2"}}', 1 from generate_series(${b * 50_000 + 1}, ${b * 50_000 + 50_000}::bigint) i`)
  const key = { accountId, tableId: t.id }
  const time = async (n: string, f: () => Promise<unknown>) => {
    const a = performance.now()
    await f()
    console.log('took', n, Math.round(performance.now() - a))
  }
  for (let i = 0; i < 2; i++) {
    await time('layers', () => selectLayers(bench.postgres, key, 16e6))
    await time('overlap', () => selectOverlap(bench.postgres, key))
    await time('buckets', () => selectBuckets(bench.postgres, key, 86400 * 36))
    await time('largest', () => selectLargest(bench.postgres, key, 10))
    await time('all', () => tableLayout(bench.postgres, systemClock, t))
  }
  await bench.close()
})
