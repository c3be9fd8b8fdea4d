import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../test/support/postgres.ts'
import { AppError, must } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { assignFieldIds, fieldIdCount, firstFieldId, isFixedColumn } from './columns.ts'
import { arrivalsChannel } from './commit.sql.ts'
import type { QuarantinedRecord } from './quarantine.ts'
import type { Commit, CommitOutcome, NewChunk, Table } from './store.ts'
import type { StoreBench } from './testing/store-bench.ts'
import { openStoreBench } from './testing/store-bench.ts'
import { parseType } from './types.ts'

let bench: StoreBench
let accountId: number
let table: Table

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
beforeEach(async () => {
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
  table = await bench.store.createTable(accountId, 'web', 'logs')
})

const everything = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
const reread = () => bench.store.table(accountId, 'web', 'logs')

function chunkOf(rows = 1, from = 1000, to = 1001): NewChunk {
  const place = bench.store.newChunk({ accountId, tableId: table.id })
  return { ...place, timeRange: { from, to }, rows, bytes: rows * 10, statistics: {}, crc32: null }
}

function importOf(chunks: readonly NewChunk[], uniqueIds: readonly string[], more: Partial<Commit> = {}): Commit {
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
  return {
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'job:1',
    chunks,
    ids: uniqueIds.map((uniqueId) => ({ uniqueId, rows, quarantined: 0 })),
    quarantined: [],
    ...more,
  }
}

function createOf(name: string, uniqueIds: readonly string[]): Commit {
  const { columns } = assignFieldIds([{ name: 'a', type: parseType('array(bigint)') }], firstFieldId)
  return {
    ...importOf([chunkOf(3)], uniqueIds),
    target: { create: { databaseId: table.databaseId, name, columns } },
    operation: 'create',
  }
}

const counts = (outcomes: readonly CommitOutcome[]) => {
  const kinds: Partial<Record<CommitOutcome['kind'], number>> = {}
  for (const { kind } of outcomes) kinds[kind] = (kinds[kind] ?? 0) + 1
  return kinds
}

describe('a commit', () => {
  test('shows its chunks, columns, ids and totals together', async () => {
    const { columns, nextFieldId } = assignFieldIds(
      [
        { name: 'code', type: parseType('bigint') },
        { name: 'tags', type: parseType('map(varchar,json)') },
      ],
      table.nextFieldId,
    )
    const statistics = { 1: { bytes: 12, nulls: 0, min: '1000', max: '1999' }, 6: { bytes: 5, nulls: 2 } }
    const chunks = [{ ...chunkOf(5, 1000, 2000), statistics }, chunkOf(2, 0, 10)]
    const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: columns }
    const outcome = await bench.store.commit(importOf(chunks, ['id-1'], { target }))
    expect(outcome).toEqual({ kind: 'committed', tableId: table.id, snapshot: 1 })

    const after = await reread()
    expect(after).toMatchObject({ snapshot: 1, schemaVersion: 2, nextFieldId, rows: 7, bytes: 70 })
    expect(after.columns.filter((column) => !isFixedColumn(column))).toEqual(columns)
    expect(after.columns.map((column) => column.name)).toEqual(['time', 'code', 'tags', 'time_us', '_rescued'])

    const [snapshot] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
    expect(snapshot?.chunkCount).toBe(2)
    const found = await bench.store.findChunks(must(snapshot, 'the snapshot'), everything)
    const asAdded = { layer: 'realtime', schemaVersion: 2, addedSnapshot: 1, createdAt: expect.any(Date) as Date }
    expect(found).toEqual([
      { ...chunks[1], ...asAdded },
      { ...chunks[0], ...asAdded },
    ])
    expect(await bench.store.appliedIds(accountId, table.id, ['id-1', 'id-2'])).toEqual([
      { uniqueId: 'id-1', rows: 7, quarantined: 0 },
    ])
    const arrivals = await bench.postgres.query(
      sql`select snapshot, lower(time_range) as from, upper(time_range) as to, rows, bytes, kind, cause
            from arrivals where table_id = ${table.id}`,
    )
    expect(arrivals).toEqual([{ snapshot: 1, from: 0, to: 2000, rows: 7, bytes: 70, kind: 'new', cause: 'job:1' }])
  })

  test('announces its arrival', async () => {
    const heard: string[] = []
    let wake = () => {}
    const arrived = new Promise<void>((resolve) => (wake = resolve))
    const unlisten = await bench.postgres.listen(arrivalsChannel, (payload) => {
      heard.push(payload)
      wake()
    })
    await bench.store.commit(importOf([chunkOf()], ['a']))
    await arrived
    await unlisten()
    expect(heard.map((payload): unknown => JSON.parse(payload))).toEqual([
      { accountId, tableId: table.id, snapshot: 1 },
    ])
  })

  test('of which every record was quarantined applies its id and nothing else', async () => {
    const records: QuarantinedRecord[] = [
      {
        uniqueId: 'bad',
        recordNumber: 0,
        byteOffset: 0,
        reason: 'json_syntax',
        detail: 'Unexpected \0 at 3',
        raw: Buffer.from([0, 1, 255]),
        rawBytes: 3,
        objectKey: null,
      },
    ]
    const ids = [{ uniqueId: 'bad', rows: 0, quarantined: 1 }]
    const outcome = await bench.store.commit({ ...importOf([], []), ids, quarantined: records })
    expect(outcome.kind).toBe('committed')
    expect(await reread()).toMatchObject({ snapshot: 1, rows: 0 })
    expect(await bench.postgres.query(sql`select 1 from arrivals where table_id = ${table.id}`)).toEqual([])
    const [entry] = await bench.store.listQuarantine(accountId, 'web', 'logs', { limit: 10 })
    expect(entry).toMatchObject({ uniqueId: 'bad', detail: 'Unexpected \u{FFFD} at 3', database: 'web', table: 'logs' })
    expect(Buffer.from(entry?.raw ?? []).equals(Buffer.from([0, 1, 255]))).toBe(true)
  })

  test('keeps statistics that JSON in PostgreSQL can say, and drops the bounds of others', async () => {
    const statistics = {
      1: { bytes: 1, nulls: 0, min: 'a\0', max: 'ok' },
      6: { bytes: 1, nulls: 0, min: '\ud800', max: 'x'.repeat(257) },
    }
    await bench.store.commit(importOf([{ ...chunkOf(), statistics }], ['s']))
    const [snapshot] = await bench.store.openSnapshot(accountId, [{ database: 'web', name: 'logs' }])
    const [chunk] = await bench.store.findChunks(must(snapshot, 'the snapshot'), everything)
    expect(chunk?.statistics).toEqual({ 1: { bytes: 1, nulls: 0, max: 'ok' }, 6: { bytes: 1, nulls: 0 } })
  })

  test('with a name or key of the caller’s making is a bug, and changes nothing', async () => {
    const foreign = { ...chunkOf(), objectKey: bench.store.newChunk({ accountId: 999, tableId: table.id }).objectKey }
    await expect(bench.store.commit(importOf([foreign], ['a']))).rejects.toThrow('key that newChunk gave it')
    await expect(bench.store.commit(importOf([chunkOf()], []))).rejects.toThrow('carries a unique id')
    await expect(bench.store.commit(importOf([chunkOf()], ['a', 'a']))).rejects.toThrow('each unique id once')
    const newColumns = [{ fieldId: 99, name: 'a', type: parseType('bigint') }]
    const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns }
    await expect(bench.store.commit(importOf([chunkOf()], ['a'], { target }))).rejects.toThrow('field ids')
    const reserved = { ...target, newColumns: [{ fieldId: 6, name: 'time', type: parseType('bigint') }] }
    await expect(bench.store.commit(importOf([chunkOf()], ['a'], { target: reserved }))).rejects.toMatchObject({
      code: 'invalid_name',
    })
    expect(await reread()).toMatchObject({ snapshot: 0, rows: 0, nextFieldId: table.nextFieldId })
    expect(await bench.store.appliedIds(accountId, table.id, ['a'])).toEqual([])
  })

  test('for a dropped or unknown table has nowhere to go', async () => {
    await bench.store.dropTable(accountId, 'web', 'logs')
    expect(await bench.store.commit(importOf([chunkOf()], ['a']))).toEqual({ kind: 'table_dropped' })
    const target = { tableId: 1_000_000, schemaVersion: 1, newColumns: [] }
    expect(await bench.store.commit(importOf([chunkOf()], ['a'], { target }))).toEqual({ kind: 'table_dropped' })
  })

  test('of a file that the sweep may take for abandoned is refused', async () => {
    const old = { ...importOf([chunkOf()], ['a']) }
    const [chunk] = old.chunks
    const id = `00000000-0000-${must(chunk, 'the chunk').id.slice(14)}`
    const chunks = [{ ...must(chunk, 'the chunk'), id, objectKey: `chunks/${accountId}/${table.id}/${id}.parquet` }]
    await expect(bench.store.commit({ ...old, chunks })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('exactly once', () => {
  test('50 commits of one id at the same time: one is applied', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => bench.store.commit(importOf([chunkOf(3)], ['same']))),
    )
    expect(counts(outcomes)).toEqual({ committed: 1, duplicate: 49 })
    for (const outcome of outcomes) {
      if (outcome.kind === 'duplicate') expect(outcome.known).toEqual([{ uniqueId: 'same', rows: 3, quarantined: 0 }])
    }
    expect(await reread()).toMatchObject({ snapshot: 1, rows: 3 })
  })

  test('one known id among new ones undoes the whole commit and names the known', async () => {
    await bench.store.commit(importOf([chunkOf(3)], ['old']))
    const outcome = await bench.store.commit(importOf([chunkOf(9)], ['new-1', 'old', 'new-2']))
    expect(outcome).toEqual({
      kind: 'duplicate',
      known: [{ uniqueId: 'old', rows: 3, quarantined: 0 }],
      knownPlaces: [],
    })
    expect(await reread()).toMatchObject({ snapshot: 1, rows: 3 })
    expect(await bench.store.appliedIds(accountId, table.id, ['new-1', 'new-2'])).toEqual([])
  })

  test('ids belong to a table: another one takes the same', async () => {
    const other = await bench.store.createTable(accountId, 'web', 'other')
    await bench.store.commit(importOf([chunkOf()], ['a']))
    const target = { tableId: other.id, schemaVersion: 1, newColumns: [] }
    expect((await bench.store.commit(importOf([chunkOf()], ['a'], { target }))).kind).toBe('committed')
  })

  /** A PostgreSQL whose next transaction is applied, and whose answer never arrives. */
  const losingTheAnswer = (postgres: Postgres): Postgres => ({
    query: (statement) => postgres.query(statement),
    async transaction(body, options) {
      await postgres.transaction(body, options)
      throw new AppError('database_unavailable', 'the connection was lost after COMMIT was sent')
    },
    listen: (...args) => postgres.listen(...args),
    close: () => postgres.close(),
  })

  test('a commit without an answer is repeated without effect, also where it added columns', async () => {
    const { columns } = assignFieldIds([{ name: 'code', type: parseType('bigint') }], table.nextFieldId)
    const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: columns }
    const commit = importOf([chunkOf(4)], ['a', 'b'], { target })
    const unlucky = bench.openAnother(losingTheAnswer(bench.postgres))
    await expect(unlucky.commit(commit)).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await bench.store.commit(commit)).toMatchObject({
      kind: 'duplicate',
      known: [{ uniqueId: 'a' }, { uniqueId: 'b' }],
    })
    expect(await reread()).toMatchObject({ snapshot: 1, rows: 4, schemaVersion: 2 })
  })

  test('a table made by a commit without an answer is recognised as its own', async () => {
    const unlucky = bench.openAnother(losingTheAnswer(bench.postgres))
    const commit = createOf('made', ['query:7'])
    await expect(unlucky.commit(commit)).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await bench.store.commit(commit)).toEqual({
      kind: 'duplicate',
      known: [{ uniqueId: 'query:7', rows: 3, quarantined: 0 }],
      knownPlaces: [],
    })
    await expect(bench.store.commit(createOf('made', ['query:8']))).rejects.toMatchObject({ code: 'already_exists' })
    expect(await bench.store.table(accountId, 'web', 'made')).toMatchObject({ snapshot: 1, rows: 3, nextFieldId: 8 })
  })

  test('a connection that PostgreSQL cuts in the middle leaves nothing', async () => {
    const cutting: Postgres = {
      ...losingTheAnswer(bench.postgres),
      transaction: (body, options) =>
        bench.postgres.transaction(async (tx) => {
          await body(tx)
          const [own] = await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`)
          await bench.postgres.query(sql`select pg_terminate_backend(${own?.pid})`)
          throw new Error('never reached by COMMIT')
        }, options),
    }
    await expect(bench.openAnother(cutting).commit(importOf([chunkOf()], ['cut']))).rejects.toThrow('never reached')
    expect(await reread()).toMatchObject({ snapshot: 0, rows: 0 })
    expect((await bench.store.commit(importOf([chunkOf()], ['cut']))).kind).toBe('committed')
  })
})

describe('side by side', () => {
  test('20 commits that add columns: one wins, the rest write anew, and no id is given twice', async () => {
    const types = ['bigint', 'array(bigint)', 'map(varchar,row(a json,b date))', 'varchar']
    const commitUntilDone = async (index: number): Promise<number> => {
      for (let tries = 0; ; tries += 1) {
        const current = await reread()
        const wanted = [
          { name: `own_${index}`, type: parseType(types[index % types.length] ?? 'json') },
          { name: 'shared', type: parseType('double') },
        ].filter(({ name }) => !current.columns.some((column) => column.name === name))
        const { columns } = assignFieldIds(wanted, current.nextFieldId)
        const target = { tableId: current.id, schemaVersion: current.schemaVersion, newColumns: columns }
        const outcome = await bench.store.commit(importOf([chunkOf()], [`id-${index}`], { target }))
        if (outcome.kind === 'committed') return tries
        expect(outcome.kind).toBe('schema_changed')
      }
    }
    const tries = await Promise.all(Array.from({ length: 20 }, (_, index) => commitUntilDone(index)))
    expect(Math.max(...tries)).toBeGreaterThan(0)
    const after = await reread()
    const own = after.columns.filter((column) => !isFixedColumn(column))
    expect(own.map((column) => column.name).toSorted()).toEqual(
      [...Array.from({ length: 20 }, (_, index) => `own_${index}`), 'shared'].toSorted(),
    )
    const ids = own.flatMap((column) =>
      Array.from({ length: fieldIdCount(column.type) }, (_, index) => column.fieldId + index),
    )
    expect(ids).toEqual(ids.map((_, index) => firstFieldId + index))
    expect(after).toMatchObject({ snapshot: 20, rows: 20, schemaVersion: 21, nextFieldId: firstFieldId + ids.length })
  })

  test('commits without new columns never conflict with those that add some', async () => {
    const { columns } = assignFieldIds([{ name: 'code', type: parseType('bigint') }], table.nextFieldId)
    const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: columns }
    await bench.store.commit(importOf([chunkOf()], ['a'], { target }))
    expect((await bench.store.commit(importOf([chunkOf()], ['b']))).kind).toBe('committed')
    const late = { ...target, newColumns: columns.map((column) => ({ ...column, name: 'late' })) }
    expect(await bench.store.commit(importOf([chunkOf()], ['c'], { target: late }))).toEqual({ kind: 'schema_changed' })
  })

  test('a reader sees whole commits only, of both tables at one moment', async () => {
    await bench.store.createTable(accountId, 'web', 'twin')
    const names = ['logs', 'twin'].map((name) => ({ database: 'web', name }))
    let running = true
    const write = async (writer: number) => {
      for (let round = 0; round < 15; round += 1) {
        // Two chunks that belong together: a part of a commit would show an odd sum.
        await bench.store.commit(importOf([chunkOf(3), chunkOf(7)], [`${writer}-${round}`]))
      }
    }
    const read = async (): Promise<number> => {
      let reads = 0
      let newest = 0
      while (running) {
        const [logs, twin] = await bench.store.openSnapshot(accountId, names)
        const snapshot = must(logs, 'the snapshot')
        const chunks = await bench.store.findChunks(snapshot, everything)
        const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
        expect(rows).toBe(snapshot.table.snapshot * 10)
        expect(rows).toBe(snapshot.table.rows)
        expect(chunks.length).toBe(snapshot.chunkCount)
        expect(snapshot.table.snapshot).toBeGreaterThanOrEqual(newest)
        expect(twin?.chunkCount).toBe(0)
        newest = snapshot.table.snapshot
        reads += 1
      }
      return reads
    }
    const readers = [read(), read()]
    await Promise.all([write(1), write(2), write(3)])
    running = false
    for (const reads of await Promise.all(readers)) expect(reads).toBeGreaterThan(0)
    expect(await reread()).toMatchObject({ snapshot: 45, rows: 450 })
  })
})

describe('the fence', () => {
  const makeJob = async (leaseToken: number, state = 'running'): Promise<number> => {
    const rows = await bench.postgres.query<{ id: number }>(sql`
      insert into jobs (lane_id, account_id, kind, input, run_at, attempts_max, submitted_by)
      values (0, ${accountId}, 'import', '{}', now(), 3, 'test') returning id`)
    const { id } = must(rows[0], 'the job')
    if (state !== 'running') return id
    await bench.postgres.query(sql`
      insert into job_running (lease_token, job_id, lane_id, account_id, from_state, attempt, lease_owner, lease_expires_at)
      values (${leaseToken}, ${id}, 0, ${accountId}, 'queued', 1, 'test', now() + interval '1 hour')`)
    return id
  }

  test('lets the holder of the lease through', async () => {
    const fence = { jobId: await makeJob(7), leaseToken: 7 }
    expect((await bench.store.commit(importOf([chunkOf()], ['a'], { fence }))).kind).toBe('committed')
  })

  test('stops an attempt whose lease is another’s, or whose job has ended', async () => {
    const stale = { jobId: await makeJob(8), leaseToken: 7 }
    const ended = { jobId: await makeJob(7, 'killed'), leaseToken: 7 }
    for (const fence of [stale, ended]) {
      const uniqueId = randomUUID()
      await expect(bench.store.commit(importOf([chunkOf()], [uniqueId], { fence }))).rejects.toMatchObject({
        code: 'lease_lost',
      })
      await expect(bench.store.commit({ ...createOf('fenced', [uniqueId]), fence })).rejects.toMatchObject({
        code: 'lease_lost',
      })
    }
    expect(await reread()).toMatchObject({ snapshot: 0 })
    await expect(bench.store.table(accountId, 'web', 'fenced')).rejects.toMatchObject({ code: 'table_not_found' })
  })
})

describe('a table made by its first commit', () => {
  test('is there with its columns and rows', async () => {
    const outcome = await bench.store.commit(createOf('made', ['q']))
    const made = await bench.store.table(accountId, 'web', 'made')
    expect(outcome).toEqual({ kind: 'committed', tableId: made.id, snapshot: 1 })
    expect(made.columns.map((column) => column.name)).toEqual(['time', 'a', 'time_us', '_rescued'])
    expect(made).toMatchObject({ rows: 3, snapshot: 1, schemaVersion: 1, nextFieldId: 8 })
  })

  test('needs a name that is free, valid, and in a database that is there', async () => {
    await expect(bench.store.commit(createOf('logs', ['q']))).rejects.toMatchObject({ code: 'already_exists' })
    await expect(bench.store.commit(createOf('No Name', ['q']))).rejects.toMatchObject({ code: 'invalid_name' })
    await bench.store.dropDatabase(accountId, 'web')
    await expect(bench.store.commit(createOf('made', ['q']))).rejects.toMatchObject({ code: 'database_not_found' })
  })

  test('10 at the same time under one name: one is made', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => bench.store.commit(createOf('raced', [`q-${index}`]))),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'already_exists' })
    }
  })
})
