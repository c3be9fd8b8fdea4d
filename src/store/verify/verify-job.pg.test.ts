import { systemDisk } from '../../base/disk.ts'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { inProcessEngines } from '../../base/engines/testing/in-process-engines.ts'
import { must } from '../../base/errors.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { openJobs } from '../../jobs/open-jobs.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { storeEngineHandlers } from '../engine-handlers.ts'
import { mergeRules } from '../merge/rules.ts'
import { openUpkeep } from '../open-upkeep.ts'
import type { Chunk, NewChunk, Table } from '../store.ts'
import type { MergeBench } from '../testing/merge-bench.ts'
import { attemptOf, openMergeBench } from '../testing/merge-bench.ts'
import { parseType } from '../types.ts'
import type { Upkeep, VerifyInput, VerifySummary } from '../upkeep.ts'
import { verifyJob } from './verify-job.ts'

const start = 1_700_000_000
const day = 86_400

let bench: MergeBench
let upkeep: Upkeep
let jobs: Jobs
let tables = 0

beforeAll(async () => {
  bench = await openMergeBench(await openTestDatabase())
  jobs = openJobs({ ...bench.options })
  upkeep = openUpkeep({ ...bench.options, jobs })
})
afterAll(() => bench.close())

const columns = [
  { name: 'user_id', type: parseType('varchar') },
  { name: 'amount', type: parseType('decimal(10,2)') },
  { name: 'score', type: parseType('double') },
  { name: 'doc', type: parseType('json') },
  { name: 'tags', type: parseType('array(varchar)') },
]

/** A table of so many chunks with 200 rows each. */
async function newTable(chunks: number): Promise<Table> {
  const table = await bench.createTable(`v${(tables += 1)}`, columns)
  for (let index = 0; index < chunks; index += 1) {
    const select = `select ${start} + i + ${index * 200} as time, nullif('user ' || i % 53, 'user 7') as user_id,
      i / 8.0 as amount, case when i % 10 = 0 then 'nan'::double else i end as score, '{"i":' || i || '}' as doc,
      ['a', 'x' || i] as tags from range(200) r(i)`
    await add(table, await bench.write(table, select))
  }
  return await bench.table(table.name)
}

async function add(table: Table, chunk: NewChunk): Promise<void> {
  await bench.add(table, [{ ...chunk, crc32: crc32(await bench.objects.get(chunk.objectKey)) }], chunk.id)
}

async function chunksOf(table: Table): Promise<Chunk[]> {
  const [snapshot] = await bench.store.openSnapshot(bench.accountId, [{ database: 'web', name: table.name }])
  return await bench.store.findChunks(must(snapshot, 'the table'), [{ from: -Infinity, to: Infinity }])
}

const fingerprint = (table: Table) =>
  bench.scan(table.name, `select count(*)::varchar as rows, sum(hash(rows)::hugeint)::varchar as values from rows`)

async function verify(table: Table, more: Partial<VerifyInput> = {}): Promise<VerifySummary> {
  const input: VerifyInput = { database: 'web', table: table.name, sample: null, repair: false, ...more }
  const owner = { accountId: bench.accountId, userId: 0 }
  const { job } = await jobs.submit({ accountId: owner.accountId, kind: 'verify', input })
  const engines = inProcessEngines(storeEngineHandlers(systemDisk))
  const { handler } = verifyJob({ ...bench.options, engines, concurrency: 1, bytesPerSecondMax: 1e9 })
  return (await handler(await attemptOf(bench.postgres, job))) as VerifySummary
}

const outcomesOf = ({ problems }: VerifySummary) =>
  problems.map(({ chunk, what, outcome }) => ({ chunk, what, outcome }))

describe('verification', () => {
  test('finds nothing wrong with what is as it was written', async () => {
    const table = await newTable(5)
    const bytes = (await chunksOf(table)).reduce((sum, chunk) => sum + chunk.bytes, 0)
    expect(await verify(table)).toEqual({ tables: 1, chunks: 5, bytes, problemCount: 0, problems: [] })
    expect(await verify(table, { sample: 2 })).toMatchObject({ chunks: 2, problemCount: 0 })
    const all = await verify(table, { table: null, database: null })
    expect(all.tables).toBeGreaterThanOrEqual(1)
  })

  test('names each file in which a bit has flipped, and each that was cut', async () => {
    const table = await newTable(3)
    const chunks = await chunksOf(table)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: chunks.length - 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.constantFrom('flip', 'cut', 'remove'),
        fc.integer({ min: 0, max: 7 }),
        async (index, place, how, bit) => {
          const chunk = must(chunks[index], 'the chunk')
          const whole = await bench.objects.get(chunk.objectKey)
          const at = Math.floor(place * whole.byteLength)
          const flipped = Buffer.from(whole)
          flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at)
          if (how === 'remove') await bench.objects.remove(chunk.objectKey)
          else await bench.objects.put(chunk.objectKey, how === 'flip' ? flipped : whole.subarray(0, at))
          const { problems } = await verify(table)
          await bench.objects.put(chunk.objectKey, whole)
          const inMagic = at < 4 || at >= whole.byteLength - 4
          const what = { flip: inMagic ? 'unreadable' : 'checksum', cut: 'size', remove: 'missing' }[how]
          expect(problems).toMatchObject([
            {
              database: 'web',
              table: table.name,
              chunk: chunk.id,
              objectKey: chunk.objectKey,
              what,
              outcome: 'reported',
            },
          ])
          if (how === 'cut') expect(problems[0]?.byte).toBe(at)
        },
      ),
      { numRuns: 60 },
    )
    expect((await verify(table)).problemCount).toBe(0)
  })

  test('finds footers that cannot be read where there is no checksum', async () => {
    const table = await newTable(1)
    const [chunk] = await chunksOf(table)
    const { id, objectKey } = must(chunk, 'the chunk')
    await bench.postgres.query(sql`update chunks set crc32 = null where id = ${id}`)
    expect((await verify(table)).problemCount).toBe(0)
    const broken = await bench.objects.get(objectKey)
    broken.fill(0xff, broken.byteLength - 200, broken.byteLength - 100)
    await bench.objects.put(objectKey, broken)
    expect(outcomesOf(await verify(table))).toEqual([{ chunk: id, what: 'unreadable', outcome: 'reported' }])
  })

  test.each([
    ['rows', sql`rows = rows + 7`],
    ['time_range', sql`time_range = int8range(lower(time_range), upper(time_range) - 50)`],
    ['statistics', sql`column_statistics = jsonb_set(column_statistics, '{6,nulls}', '1')`],
    ['statistics', sql`column_statistics = jsonb_set(column_statistics, '{7,max}', '"3.50"')`],
    ['statistics', sql`column_statistics = jsonb_set(column_statistics, '{6,min}', '"user 2"')`],
  ])('writes a file anew whose %s the catalog has wrong', async (what, wrong) => {
    const table = await newTable(2)
    const [chunk, other] = await chunksOf(table)
    const { id } = must(chunk, 'the chunk')
    const before = await fingerprint(table)
    await bench.postgres.query(sql`update chunks set ${wrong} where id = ${id}`)
    await bench.postgres.query(
      sql`update tables set rows = (select sum(rows) from chunks where table_id = ${table.id}) where id = ${table.id}`,
    )
    expect(outcomesOf(await verify(table))).toEqual([{ chunk: id, what, outcome: 'reported' }])
    expect(outcomesOf(await verify(table, { repair: true }))).toEqual([{ chunk: id, what, outcome: 'rewritten' }])
    expect((await verify(table)).problemCount).toBe(0)
    expect(await fingerprint(table)).toEqual(before)
    const ids = (await chunksOf(table)).map((one) => one.id)
    expect(ids).not.toContain(id)
    expect(ids).toContain(other?.id)
    expect((await bench.table(table.name)).rows).toBe(400)
  })
})

describe('damage', () => {
  const damage = async ({ objectKey }: Chunk): Promise<void> => {
    const bytes = await bench.objects.get(objectKey)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    await bench.objects.put(objectKey, bytes)
  }

  /** Flips a bit that DuckDB finds nothing wrong with, and reads as another score. */
  const changeValue = async (table: Table, objectKey: string): Promise<void> => {
    const scores = () => bench.scan(table.name, 'select sum(hash(score)::hugeint)::varchar as hash from rows')
    const before = await scores()
    const bytes = await bench.objects.get(objectKey)
    for (let at = 4; ; at += 13) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      await bench.objects.put(objectKey, changed)
      const after = await scores().catch(() => before)
      if (!isDeepStrictEqual(after, before)) return
    }
  }

  test('of what a merge made is mended by merging again', async () => {
    const table = await newTable(mergeRules.fanIn)
    const before = await fingerprint(table)
    await bench.merge(table)
    const [merged, ...others] = await chunksOf(table)
    expect(others).toEqual([])
    await damage(must(merged, 'the merged chunk'))
    const found = { chunk: must(merged, 'the merged chunk').id, what: 'checksum' }
    expect(outcomesOf(await verify(table))).toEqual([{ ...found, outcome: 'reported' }])
    expect(outcomesOf(await verify(table, { repair: true }))).toEqual([{ ...found, outcome: 'merged_again' }])
    expect(await fingerprint(table)).toEqual(before)
    expect((await verify(table)).problemCount).toBe(0)
    expect((await bench.table(table.name)).rows).toBe(200 * mergeRules.fanIn)
  })

  test('that nothing mends is set aside: queries go on, and the file stays', async () => {
    const table = await newTable(3)
    const [first, second] = await chunksOf(table)
    const lost = must(first, 'a chunk')
    await damage(lost)
    await bench.objects.remove(must(second, 'a chunk').objectKey)
    const { problems } = await verify(table, { repair: true })
    expect(problems.map(({ what, outcome }) => `${what}: ${outcome}`).toSorted()).toEqual([
      'checksum: set_aside',
      'missing: set_aside',
    ])
    expect(await bench.scan(table.name, 'select count(*)::integer as rows from rows')).toEqual([{ rows: 200 }])
    expect(await bench.table(table.name)).toMatchObject({ rows: 200 })
    expect((await verify(table)).problemCount).toBe(0)
    const listed = await upkeep.damagedChunks(bench.accountId, 'web', table.name)
    expect(listed.find(({ id }) => id === lost.id)).toMatchObject({
      objectKey: lost.objectKey,
      timeRange: lost.timeRange,
      rows: 200,
      bytes: lost.bytes,
      reason: 'checksum',
      detail: expect.stringContaining('checksum') as string,
    })
    expect(await upkeep.damage()).toMatchObject({ chunks: 2, rows: 400 })

    // Long after its history is over, and as an upload it would be an orphan: it is still there for whoever mends it.
    bench.setClock(Date.now() + 40 * day * 1000)
    for (let sweeps = 0; sweeps < 5; sweeps += 1) await bench.store.sweep()
    expect(await bench.objects.size(lost.objectKey)).toBe(lost.bytes)
    bench.setClock(Date.now())
  })

  test('is never taken for another: a merge that was merged on is not done again', async () => {
    const table = await newTable(mergeRules.fanIn)
    await bench.merge(table)
    const [merged] = await chunksOf(table)
    const { id, addedSnapshot } = must(merged, 'the merged chunk')
    // As if the history was over for one of the inputs.
    await bench.postgres.query(sql`
      delete from removed_chunks where id in
        (select id from removed_chunks where table_id = ${table.id} and removed_snapshot = ${addedSnapshot} limit 1)`)
    await damage(must(merged, 'the merged chunk'))
    expect(outcomesOf(await verify(table, { repair: true }))).toEqual([
      { chunk: id, what: 'checksum', outcome: 'set_aside' },
    ])
  })

  test('is not taken along: neither a merge nor new columns make a wrong value a right one', async () => {
    const table = await newTable(mergeRules.fanIn)
    const [, second] = await chunksOf(table)
    const { id, objectKey } = must(second, 'a chunk')
    await changeValue(table, objectKey)
    const named = { code: 'object_damaged', message: expect.stringContaining(id) as string }
    await expect(bench.merge(table)).rejects.toMatchObject(named)
    const change = { kind: 'change_type', name: 'score', type: parseType('varchar') } as const
    await bench.store.alterColumns(bench.accountId, { database: 'web', name: table.name }, [change])
    await expect(bench.restate(table)).rejects.toMatchObject(named)
    expect((await chunksOf(table)).map((chunk) => chunk.id)).toContain(id)
    expect(outcomesOf(await verify(table, { repair: true }))).toEqual([
      { chunk: id, what: 'checksum', outcome: 'set_aside' },
    ])
    await bench.restate(table)
    expect((await bench.table(table.name)).rows).toBe(200 * (mergeRules.fanIn - 1))
  })
})
