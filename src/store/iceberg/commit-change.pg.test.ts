import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { must } from '../../base/errors.ts'
import { objectAddress } from '../../base/objects/object-address.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { systemRandomness } from '../../base/randomness.ts'
import type { IcebergCatalog, IcebergTable, TableChange } from '../iceberg.ts'
import type { Table } from '../store.ts'
import type { StoreBench } from '../testing/store-bench.ts'
import { openStoreBench } from '../testing/store-bench.ts'
import type { ManifestFacts } from './manifest-list.ts'
import { readManifestList, writeManifestList } from './manifest-list.ts'
import { writeManifest } from './manifest.ts'
import { openIceberg } from './open-iceberg.ts'

const address = objectAddress({ location: '/srv/objects' })
const name = { database: 'web', name: 'logs' }
const everything = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]

let bench: StoreBench
let catalog: IcebergCatalog
let accountId: number
let table: Table
let folder: string

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
  folder = await mkdtemp(join(tmpdir(), 'biwa-commit-'))
})
afterAll(async () => {
  await bench.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  const { postgres, objects, clock } = bench
  catalog = openIceberg({ postgres, objects, address, clock, randomness: systemRandomness, graceMs: 3600 * 1000 })
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  table = await bench.store.createTable(accountId, 'web', 'logs')
})

const load = (): Promise<IcebergTable> => catalog.load(accountId, name)

let files = 0

/** A key below the location of the table, and the address under which other engines know it. */
function place(kind: 'data' | 'metadata', ending: string): { key: string; uri: string } {
  const key = `iceberg/${accountId}/${table.id}/${kind}/${(files += 1)}${ending}`
  return { key, uri: address.uriOf(key) }
}

interface DataFile {
  readonly uri: string
  readonly bytes: number
  readonly rows: number
}

/** Writes rows as another engine does: under a name of its own, below the location of the table. */
async function dataFile(rows: number, select = 'i as time', ids = 'time: 1'): Promise<DataFile> {
  const duckdb = await (await DuckDBInstance.create()).connect()
  const path = join(folder, `${(files += 1)}.parquet`)
  await duckdb.run(
    `copy (select ${select} from range(${rows}) as t (i)) to '${path}' (format parquet, field_ids {${ids}})`,
  )
  duckdb.closeSync()
  const body = await readFile(path)
  const { key, uri } = place('data', '.parquet')
  await bench.objects.put(key, body)
  return { uri, bytes: body.byteLength, rows }
}

/** A list with those of the table's manifests that `keeps` names, and one for files of the engine. */
async function snapshot(
  on: IcebergTable,
  added: readonly DataFile[],
  keeps: (path: string) => boolean = () => true,
): Promise<TableChange['snapshots'][number]> {
  const manifest = place('metadata', '.avro')
  const entries = added.map(({ uri, bytes, rows }) => ({
    path: uri,
    bytes,
    rows,
    status: 'added' as const,
    snapshot: 1,
    sequence: 1,
    timeRange: { from: 0, to: 10_000 },
    statistics: {},
    isSorted: false,
  }))
  const body = writeManifest({ columns: table.columns, schemaVersion: 1 }, 0, entries)
  await bench.objects.put(manifest.key, body)
  const kept = (await manifestsOf(on)).filter(keeps)
  const list = place('metadata', '.avro')
  const listed = [...kept, manifest.uri].map((path) => factsOf(path))
  await bench.objects.put(list.key, writeManifestList(99, null, listed))
  return { manifestList: list.uri, parent: on.metadata['current-snapshot-id'] }
}

const factsOf = (path: string): ManifestFacts => ({
  path,
  bytes: 1,
  spec: 0,
  addedSnapshot: 1,
  sequenceMin: 1,
  addedFiles: 1,
  addedRows: 1,
  existingFiles: 0,
  existingRows: 0,
  hours: null,
})

async function manifestsOf({ metadata }: IcebergTable): Promise<string[]> {
  const list = metadata.snapshots.at(-1)?.['manifest-list']
  if (list === undefined) return []
  const bytes = await bench.objects.get(must(address.keyOf(list), 'an address of ours'))
  return readManifestList(list, bytes).map(({ path }) => path)
}

const change = (more: Partial<TableChange>): TableChange => ({
  requirements: [],
  snapshots: [],
  fields: undefined,
  location: undefined,
  setProperties: {},
  removedProperties: [],
  ...more,
})

const commit = (more: Partial<TableChange>, allowed: 'append' | 'everything' = 'everything') =>
  catalog.commit(accountId, name, change(more), allowed)

async function imported(from: number): Promise<void> {
  const chunk = await bench.uploadChunk({ accountId, tableId: table.id }, from, from + 10, 3)
  await bench.store.commit({
    accountId,
    target: { tableId: table.id, schemaVersion: 1, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: [chunk],
    ids: [{ uniqueId: chunk.id, rows: 3, quarantined: 0 }],
    quarantined: [],
  })
}

const liveRows = async (): Promise<number> => (await bench.store.table(accountId, 'web', 'logs')).rows

async function liveKeys(): Promise<string[]> {
  const [open] = await bench.store.openSnapshot(accountId, [name])
  return (await bench.store.findChunks(must(open, 'the snapshot'), everything)).map((chunk) => chunk.objectKey)
}

describe('an append', () => {
  test('adds chunks whose times are those of the file', async () => {
    await imported(0)
    const file = await dataFile(50, 'i + 1000 as time')
    const after = await commit({ snapshots: [await snapshot(await load(), [file])] })
    expect(await liveRows()).toBe(53)
    expect(await liveKeys()).toContain(address.keyOf(file.uri))
    expect(after.metadata['current-snapshot-id']).toBe(2)
    const [arrival] = await bench.postgres.query(sql`
      select kind, rows, lower(time_range) as time_from, upper(time_range) as time_to from arrivals
       where table_id = ${table.id} and snapshot = 2`)
    expect(arrival).toEqual({ kind: 'external', rows: 50, time_from: 1000, time_to: 1050 })
  })

  test('counts once, however often it is sent', async () => {
    const change = { snapshots: [await snapshot(await load(), [await dataFile(50)])] }
    await commit(change)
    await imported(0)
    expect((await commit(change)).metadata['current-snapshot-id']).toBe(2)
    expect(await liveRows()).toBe(53)
  })

  test('leaves what was imported since in place', async () => {
    const before = await load()
    await imported(0)
    await commit({ snapshots: [await snapshot(before, [await dataFile(50)])] })
    expect(await liveRows()).toBe(53)
  })

  test('on something that is no longer shown is refused', async () => {
    const before = await load()
    await imported(0)
    await load()
    const late = { snapshots: [await snapshot(before, [await dataFile(50)])] }
    await expect(commit(late)).rejects.toMatchObject({ code: 'conflict' })
    expect(await liveRows()).toBe(3)
  })

  test('may be all that a key is for', async () => {
    await imported(0)
    const before = await load()
    await commit({ snapshots: [await snapshot(before, [await dataFile(50)])] }, 'append')
    expect(await liveRows()).toBe(53)
    const overwriting = { snapshots: [await snapshot(await load(), [], () => false)] }
    await expect(commit(overwriting, 'append')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(commit({ setProperties: { a: 'b' } }, 'append')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await liveRows()).toBe(53)
  })
})

describe('an overwrite', () => {
  test('takes away the files of manifests that it no longer lists', async () => {
    await imported(0)
    await load()
    await imported(20)
    const [first] = await manifestsOf(await load())
    await commit({ snapshots: [await snapshot(await load(), [await dataFile(5)], (path) => path !== first)] })
    expect(await liveRows()).toBe(8)
  })

  test('of a file that was merged meanwhile is refused, and changes nothing', async () => {
    await imported(0)
    const before = await load()
    const overwriting = { snapshots: [await snapshot(before, [], () => false)] }
    const merged = await bench.uploadChunk({ accountId, tableId: table.id }, 0, 10, 3)
    const [open] = await bench.store.openSnapshot(accountId, [name])
    const [chunk] = await bench.store.findChunks(must(open, 'the snapshot'), everything)
    const target = { tableId: table.id, schemaVersion: 1, newColumns: [] }
    const removed = [must(chunk, 'a chunk').id]
    await bench.store.commit({
      accountId,
      target,
      operation: 'merge',
      cause: 'test',
      chunks: [merged],
      removed,
      ids: [],
      quarantined: [],
    })
    await expect(commit(overwriting)).rejects.toMatchObject({ code: 'conflict' })
    expect(await liveKeys()).toEqual([merged.objectKey])
  })
})

describe('a commit is refused', () => {
  test('whose files lie elsewhere', async () => {
    const before = await load()
    const file = await dataFile(5)
    const elsewhere = [
      'file:///etc/passwd',
      address.uriOf(`iceberg/${accountId}/${table.id + 1}/data/1.parquet`),
      address.uriOf(`iceberg/${accountId}/${table.id}/data/../../../x.parquet`),
      address.uriOf(`iceberg/${accountId}/${table.id}/data/A.parquet`),
    ]
    for (const uri of elsewhere) {
      const change = { snapshots: [await snapshot(before, [{ ...file, uri }])] }
      await expect(commit(change)).rejects.toThrow('does not lie below the location of the table')
    }
    const list = { manifestList: 'file:///etc/passwd', parent: null }
    await expect(commit({ snapshots: [list] })).rejects.toThrow('does not lie below')
  })

  test('whose files are not what it says of them', async () => {
    const before = await load()
    const file = await dataFile(5)
    const wrong: [DataFile, string][] = [
      [{ ...file, rows: 6 }, 'has 5 rows, and not 6'],
      [{ ...file, bytes: 7 }, `has ${file.bytes} bytes, and not 7`],
      [{ ...file, uri: `${file.uri}x` }, 'is not there'],
      [await dataFile(5, 'i as time, i as x', 'time: 1, x: 77'), 'the field id 77, which the table does not have'],
      [await dataFile(5, 'i as n', 'n: 2'), 'it has no column "time"'],
    ]
    for (const [broken, reason] of wrong) {
      const change = { snapshots: [await snapshot(before, [broken])] }
      await expect(commit(change)).rejects.toThrow(reason)
    }
    expect(await liveRows()).toBe(0)
  })

  test('that takes in a file for the second time', async () => {
    const file = await dataFile(5)
    await commit({ snapshots: [await snapshot(await load(), [file])] })
    const again = { snapshots: [await snapshot(await load(), [file])] }
    await expect(commit(again)).rejects.toThrow('is or was in the table already')
  })

  test('whose requirements do not hold', async () => {
    await load()
    const wrong: TableChange['requirements'] = [
      { kind: 'absent' },
      { kind: 'uuid', uuid: '00000000-0000-0000-0000-000000000000' },
      { kind: 'ref', ref: 'main', snapshot: 7 },
      { kind: 'ref', ref: 'other', snapshot: 7 },
      { kind: 'current-schema-id', id: 9 },
      { kind: 'last-column-id', id: 99 },
      { kind: 'last-partition-id', id: 1 },
      { kind: 'default-spec-id', id: 1 },
      { kind: 'default-sort-order-id', id: 7 },
    ]
    for (const requirement of wrong) {
      await expect(commit({ requirements: [requirement] })).rejects.toMatchObject({ code: 'conflict' })
    }
  })

  test('that moves the table', async () => {
    await expect(commit({ location: 'file:///elsewhere' })).rejects.toMatchObject({ code: 'invalid_request' })
    const { metadata } = await load()
    await commit({ location: metadata.location, requirements: [{ kind: 'uuid', uuid: metadata['table-uuid'] }] })
  })
})

describe('columns and properties', () => {
  test('are added and set, also together with rows', async () => {
    const before = await load()
    const [schema] = before.metadata.schemas
    const fields = [...(schema?.fields ?? []), { id: 6, name: 'n', required: false, type: 'long' }]
    const file = await dataFile(5, 'i as time, i as n', 'time: 1, n: 6')
    const after = await commit({
      snapshots: [await snapshot(before, [file])],
      fields,
      setProperties: { owner: 'me', 'gc.enabled': 'true' },
    })
    expect(after.metadata.properties).toMatchObject({ owner: 'me', 'gc.enabled': 'false' })
    const { columns } = await bench.store.table(accountId, 'web', 'logs')
    expect(columns.map((column) => column.name)).toEqual(['time', 'n', 'time_us', '_rescued'])
    const without = await commit({ removedProperties: ['owner'] })
    expect(without.metadata.properties['owner']).toBeUndefined()
    expect(without.metadata['current-snapshot-id']).toBe(after.metadata['current-snapshot-id'])
  })
})
