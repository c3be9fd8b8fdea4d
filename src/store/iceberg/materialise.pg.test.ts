import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { must } from '../../base/errors.ts'
import { objectAddress } from '../../base/objects/object-address.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { IcebergCatalog, IcebergTable } from '../iceberg.ts'
import type { NewChunk, Table } from '../store.ts'
import type { StoreBench } from '../testing/store-bench.ts'
import { graceSeconds, openStoreBench } from '../testing/store-bench.ts'
import { readManifest } from './manifest.ts'
import { readManifestList } from './manifest-list.ts'
import { openIceberg } from './open-iceberg.ts'

const address = objectAddress({ location: '/srv/objects' })
const everything = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]

let bench: StoreBench
let accountId: number
let table: Table
let written: string[]
let catalog: IcebergCatalog

/** Another process would have a catalog of its own. */
function open(): IcebergCatalog {
  const objects: ObjectStore = Object.create(bench.objects, {
    put: {
      value: async (key: string, body: Uint8Array) => {
        written.push(key)
        await bench.objects.put(key, body)
      },
    },
  })
  const { postgres, clock } = bench
  return openIceberg({ postgres, objects, address, clock, randomness: systemRandomness, graceMs: graceSeconds * 1000 })
}

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
beforeEach(async () => {
  accountId = await bench.makeAccount()
  written = []
  await bench.store.createDatabase(accountId, 'web')
  table = await bench.store.createTable(accountId, 'web', 'logs')
  catalog = open()
})

const load = (from: IcebergCatalog = catalog): Promise<IcebergTable> =>
  from.load(accountId, { database: 'web', name: 'logs' })

let commits = 0

async function commit(
  added: readonly [from: number, to: number][],
  removed: readonly string[] = [],
): Promise<NewChunk[]> {
  const chunks = await Promise.all(
    added.map(([from, to]) => bench.uploadChunk({ accountId, tableId: table.id }, from, to, 3)),
  )
  const outcome = await bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: removed.length === 0 ? 'import' : 'merge',
    cause: 'test',
    chunks,
    removed,
    ids: [{ uniqueId: `commit ${(commits += 1)}`, rows: 0, quarantined: 0 }],
    quarantined: [],
  })
  expect(outcome.kind).toBe('committed')
  return chunks
}

const keyOf = (uri: string): string => must(address.keyOf(uri), 'an address of ours')

/** The paths that a reader of the snapshot finds, by way of its list and manifests. */
async function filesOf({ metadata }: IcebergTable, snapshot = metadata['current-snapshot-id']): Promise<string[]> {
  const found = metadata.snapshots.find((each) => each['snapshot-id'] === snapshot)
  if (found === undefined) return []
  const list = found['manifest-list']
  const manifests = readManifestList(list, await bench.objects.get(keyOf(list)))
  const entries = await Promise.all(
    manifests.map(async ({ path }) => readManifest(path, await bench.objects.get(keyOf(path)))),
  )
  return entries.flat().map((entry) => keyOf(entry.path))
}

async function liveKeys(): Promise<string[]> {
  const [snapshot] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
  const chunks = await bench.store.findChunks(must(snapshot, 'the snapshot'), everything)
  return chunks.map((chunk) => chunk.objectKey)
}

const sorted = (keys: readonly string[]): string[] => keys.toSorted()

/** Reading sees exactly the chunks that the store has. */
async function expectSame(loaded: IcebergTable): Promise<void> {
  expect(sorted(await filesOf(loaded))).toEqual(sorted(await liveKeys()))
}

describe('a table for other engines', () => {
  test('that is empty has a schema and no snapshots', async () => {
    const { metadata, metadataLocation } = await load()
    expect(metadata['current-snapshot-id']).toBe(null)
    expect(metadata.snapshots).toEqual([])
    expect(metadata.schemas.map((schema) => schema.fields.map((field) => field.name))).toEqual([
      ['time', 'time_us', '_rescued'],
    ])
    expect(JSON.parse(String(await bench.objects.get(keyOf(metadataLocation))))).toEqual(metadata)
  })

  test('that does not exist is not found', async () => {
    await expect(catalog.load(accountId, { database: 'web', name: 'none' })).rejects.toThrow('"web.none"')
    await expect(catalog.load(accountId, { database: 'none', name: 'x' })).rejects.toThrow('"none"')
    await expect(catalog.load(accountId + 1, { database: 'web', name: 'logs' })).rejects.toThrow('"web"')
  })

  test('has the chunks of its newest snapshot, in partitions of the hour where they have one', async () => {
    await commit([
      [0, 10],
      [3590, 3610],
      [-10, -5],
    ])
    const loaded = await load()
    await expectSame(loaded)
    const { metadata } = loaded
    expect(metadata['current-snapshot-id']).toBe(1)
    expect(metadata.snapshots[0]?.summary).toMatchObject({
      operation: 'append',
      'added-data-files': '3',
      'total-records': '9',
      'deleted-records': '0',
    })
  })

  test('is written once for one snapshot', async () => {
    await commit([[0, 10]])
    const first = await load()
    const count = written.length
    expect(await load()).toEqual(first)
    expect(written.length).toBe(count)
  })

  test('costs what changed, not what there is', async () => {
    await commit(Array.from({ length: 50 }, (_, at) => [at * 10, at * 10 + 5]))
    await load()
    written = []
    await commit([[9000, 9010]])
    await expectSame(await load())
    expect(written.filter((key) => /-m\d+\.avro$/.test(key))).toHaveLength(1)
    expect(written).toHaveLength(3)
  })

  test('follows merges: older snapshots keep their files', async () => {
    const chunks = await commit([
      [0, 10],
      [10, 20],
      [7200, 7210],
    ])
    const before = await load()
    const beforeFiles = sorted(await filesOf(before))
    await commit(
      [[0, 20]],
      chunks.slice(0, 2).map((chunk) => chunk.id),
    )
    const after = await load()
    await expectSame(after)
    expect(after.metadata.snapshots.map((snapshot) => snapshot.summary.operation)).toEqual(['append', 'replace'])
    expect(after.metadata.snapshots[1]?.summary).toMatchObject({ 'deleted-data-files': '2', 'total-data-files': '2' })
    expect(sorted(await filesOf(after, 1))).toEqual(beforeFiles)
    expect(after.tag).not.toBe(before.tag)
  })

  test('is the same for two processes that ask at once', async () => {
    await commit([[0, 10]])
    const [one, other] = await Promise.all([load(open()), load(open())])
    expect(one).toEqual(other)
    await expectSame(one)
  })

  test('has few manifests, however often it is read while it grows', async () => {
    for (let at = 0; at < 30; at += 1) {
      await commit([[at * 10, at * 10 + 5]])
      await load()
    }
    const loaded = await load()
    await expectSame(loaded)
    const list = must(loaded.metadata.snapshots.at(-1), 'a snapshot')['manifest-list']
    const manifests = readManifestList(list, await bench.objects.get(keyOf(list)))
    expect(manifests.length).toBeLessThan(12)
    expect(loaded.metadata.snapshots.length).toBe(21)
  })

  test('stays as it was while files are restated', async () => {
    await expect(load()).resolves.toBeDefined()
    await commit([[0, 10]])
    const before = await load()
    await commit([[10, 20]])
    await bench.postgres.query(sql`update tables set restating = true where id = ${table.id}`)
    expect(await load()).toEqual(before)
    await bench.postgres.query(sql`update tables set restating = false where id = ${table.id}`)
    await expectSame(await load())
  })

  test('of which nobody knows an earlier state has to be waited for while files are restated', async () => {
    await commit([[0, 10]])
    await bench.postgres.query(sql`update tables set restating = true where id = ${table.id}`)
    await expect(load()).rejects.toMatchObject({ code: 'table_restating', retryAfterSeconds: 5 })
  })

  test('shows new columns under their ids, and older snapshots with their schema', async () => {
    await commit([[0, 10]])
    await load()
    const [chunk] = [await bench.uploadChunk({ accountId, tableId: table.id }, 10, 20, 3)]
    const target = {
      tableId: table.id,
      schemaVersion: 1,
      newColumns: [{ fieldId: 6, name: 'code', type: { kind: 'bigint' } as const }],
    }
    const ids = [{ uniqueId: 'with a column', rows: 3, quarantined: 0 }]
    const cause = 'test'
    await bench.store.commit({ accountId, target, operation: 'import', cause, chunks: [chunk], ids, quarantined: [] })
    const { metadata } = await load()
    expect(metadata.snapshots.map((snapshot) => snapshot['schema-id'])).toEqual([1, 2])
    expect(metadata.schemas.map((schema) => schema['schema-id'])).toEqual([1, 2])
    expect(metadata['current-schema-id']).toBe(2)
    expect(metadata['last-column-id']).toBe(6)
  })

  test('equals the store after any commits, with loads anywhere in between', async () => {
    const step = fc.record({
      adds: fc.array(fc.integer({ min: -20_000, max: 20_000 }), { maxLength: 4 }),
      length: fc.integer({ min: 1, max: 8000 }),
      removes: fc.array(fc.nat(), { maxLength: 3 }),
      loads: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        await bench.store.dropTable(accountId, 'web', 'logs')
        table = await bench.store.createTable(accountId, 'web', 'logs')
        let live: string[] = []
        for (const { adds, length, removes, loads } of steps) {
          const gone = [...new Set(removes.flatMap((at) => live[at % Math.max(1, live.length)] ?? []))]
          const chunks = await commit(
            adds.map((from) => [from, from + length]),
            gone,
          )
          live = [...live.filter((id) => !gone.includes(id)), ...chunks.map((chunk) => chunk.id)]
          if (loads) await expectSame(await load())
        }
        await expectSame(await load())
      }),
      { numRuns: 15 },
    )
  })

  // The clock goes on here, and never back.

  test('forgets snapshots when the history is over, and then their lists and manifests', async () => {
    const chunks = await commit([[0, 10]])
    await load()
    await commit([[0, 20]], [must(chunks[0], 'a chunk').id])
    expect((await load()).metadata.snapshots).toHaveLength(2)
    bench.putForward(23 * 3600 + 60)
    const later = await load()
    expect(later.metadata.snapshots).toHaveLength(1)
    bench.putForward(graceSeconds + 60)
    while ((await bench.store.sweep()) > 0);
    const left: string[] = []
    for await (const { key } of bench.objects.list(`iceberg/${accountId}/`)) left.push(key)
    expect(left).toHaveLength(3)
    await expectSame(await load())
  })

  test('is right also when it was read long ago, and the history does not reach back', async () => {
    const chunks = await commit([
      [0, 10],
      [10, 20],
    ])
    await load()
    await commit([[0, 20]], [must(chunks[0], 'a chunk').id])
    await bench.postgres.query(sql`
      update snapshots set committed_at = committed_at - interval '30 days' where table_id = ${table.id}`)
    await bench.postgres.query(sql`
      update removed_chunks set removed_at = removed_at - interval '30 days' where table_id = ${table.id}`)
    bench.putForward(graceSeconds + 60)
    while ((await bench.store.sweep()) > 0);
    await expectSame(await load())
  })
})
