import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { must } from '../../base/errors.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Commit, NewChunk, Table } from '../store.ts'
import type { StoreBench } from '../testing/store-bench.ts'
import { graceSeconds, openStoreBench } from '../testing/store-bench.ts'

const always = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
const hour = 3600
const day = 24 * hour

let bench: StoreBench
let accountId: number

beforeAll(async () => {
  bench = await openStoreBench(await openTestDatabase(20))
})
afterAll(() => bench.close())
/** How far the clock is ahead: what PostgreSQL dates itself has the time of the machine. */
let forwardSeconds = 0
function putForward(seconds: number): void {
  forwardSeconds += seconds
  bench.putForward(seconds)
}

beforeEach(async () => {
  putForward(-forwardSeconds)
  accountId = await bench.makeAccount()
  await bench.store.createDatabase(accountId, 'web')
})

const named = (name: string) => ({ database: 'web', name })
const tableNamed = (name: string): Promise<Table> => bench.store.table(accountId, 'web', name)

async function makeTable(name: string, chunkCount = 0): Promise<{ table: Table; chunks: NewChunk[] }> {
  await bench.store.createTable(accountId, 'web', name)
  const chunks: NewChunk[] = []
  for (let index = 0; index < chunkCount; index += 1) chunks.push(await addChunk(name, index, index + 1))
  return { table: await tableNamed(name), chunks }
}

async function addChunk(name: string, from: number, to: number): Promise<NewChunk> {
  const table = await tableNamed(name)
  const chunk = await bench.uploadChunk({ accountId, tableId: table.id }, from, to)
  await bench.store.commit({ ...commitTo(table, chunk.id), chunks: [chunk] })
  return chunk
}

function commitTo(table: Table, uniqueId: string): Commit {
  return {
    accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: [],
    ids: [{ uniqueId, rows: 1, quarantined: 0 }],
    quarantined: [],
  }
}

async function removeChunks(name: string, chunks: readonly NewChunk[]): Promise<void> {
  const commit: Commit = { ...commitTo(await tableNamed(name), 'x'), operation: 'delete', ids: [] }
  expect(await bench.store.commit({ ...commit, removed: chunks.map(({ id }) => id) })).toMatchObject({
    kind: 'committed',
  })
}

async function chunkIds(name: string, snapshot?: number): Promise<string[]> {
  const asOf = snapshot === undefined ? {} : { asOf: { snapshot } }
  const [opened] = await bench.store.openSnapshot(accountId, [{ ...named(name), ...asOf }])
  return (await bench.store.findChunks(must(opened, 'the table'), always)).map(({ id }) => id)
}

async function sweepUntilQuiet(): Promise<void> {
  for (let quiet = 0; quiet < 2;) quiet = (await bench.store.sweep()) === 0 ? quiet + 1 : 0
}

const idsOf = (chunks: readonly NewChunk[]) => chunks.map(({ id }) => id)

const sizesOf = (chunks: readonly NewChunk[]) =>
  Promise.all(chunks.map(async ({ objectKey }) => (await bench.objects.size(objectKey)) !== undefined))

describe('commits to several tables', () => {
  test('are all there or none', async () => {
    const one = await makeTable('one')
    const two = await makeTable('two', 1)
    const chunk = await bench.uploadChunk({ accountId, tableId: one.table.id }, 0, 1)
    const adding: Commit = { ...commitTo(one.table, 'both'), chunks: [chunk] }
    const removing: Commit = { ...commitTo(two.table, 'both'), removed: idsOf(two.chunks) }
    const creating: Commit = {
      ...adding,
      target: { create: { databaseId: one.table.databaseId, name: 'three', columns: [] } },
      chunks: [],
    }
    const missing: Commit = { ...removing, removed: [...idsOf(two.chunks), chunk.id] }
    expect(await bench.store.commitAll([adding, missing, creating])).toEqual({
      kind: 'undone',
      index: 1,
      outcome: { kind: 'conflict' },
    })
    expect((await tableNamed('one')).snapshot).toBe(0)
    await expect(tableNamed('three')).rejects.toMatchObject({ code: 'table_not_found' })

    const committed = await bench.store.commitAll([removing, creating, adding])
    const three = await tableNamed('three')
    expect(committed).toEqual({
      kind: 'committed',
      commits: [
        { tableId: two.table.id, snapshot: 2 },
        { tableId: three.id, snapshot: 1 },
        { tableId: one.table.id, snapshot: 1 },
      ],
    })
    expect(await bench.store.commitAll([removing, creating, adding])).toMatchObject({
      kind: 'undone',
      outcome: { kind: 'duplicate', known: [{ uniqueId: 'both' }] },
    })
    expect((await tableNamed('one')).rows).toBe(1)
  })

  test('in any order do not wait in a circle', async () => {
    const tables = await Promise.all(['a', 'b', 'c'].map(async (name) => (await makeTable(name)).table))
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, round) => {
        const commits = tables.map((table) => commitTo(table, `round ${round}`))
        return bench.store.commitAll(round % 2 === 0 ? commits : commits.toReversed())
      }),
    )
    expect(outcomes.every(({ kind }) => kind === 'committed')).toBe(true)
    expect((await tableNamed('c')).snapshot).toBe(20)
  })

  test('can depend on the snapshot that they were planned on', async () => {
    const { table } = await makeTable('planned', 2)
    const late: Commit = { ...commitTo(table, 'late'), basis: 1 }
    expect(await bench.store.commit(late)).toEqual({ kind: 'conflict' })
    expect(await bench.store.commit({ ...late, basis: 2 })).toMatchObject({ kind: 'committed', snapshot: 3 })
    expect(await bench.store.commit({ ...late, basis: 2 })).toMatchObject({ kind: 'duplicate' })
  })
})

describe('names', () => {
  test('are changed once under one id, and without one each time', async () => {
    const { table } = await makeTable('first', 1)
    const once = { uniqueId: 'rename 1' }
    expect(await bench.store.renameTable(accountId, named('first'), named('second'), once)).toMatchObject({
      id: table.id,
      name: 'second',
      rows: 1,
      snapshot: 2,
    })
    await makeTable('first')
    await bench.store.renameTable(accountId, named('first'), named('second'), once)
    expect((await tableNamed('second')).id).toBe(table.id)
    await expect(bench.store.renameTable(accountId, named('first'), named('second'))).rejects.toMatchObject({
      code: 'already_exists',
    })
    await expect(bench.store.renameTable(accountId, named('first'), named('no good'))).rejects.toMatchObject({
      code: 'invalid_name',
    })
    await expect(bench.store.renameTable(accountId, named('nothing'), named('x'))).rejects.toMatchObject({
      code: 'table_not_found',
    })
    await bench.store.createDatabase(accountId, 'other')
    const moved = await bench.store.renameTable(accountId, named('second'), { database: 'other', name: 'second' })
    expect(moved).toMatchObject({ id: table.id, database: 'other' })
  })

  test('take the place of others, which are dropped at the same moment', async () => {
    await makeTable('old', 2)
    const { chunks } = await makeTable('new', 1)
    const once = { uniqueId: 'replace' }
    for (const _ of ['first', 'again']) {
      await bench.store.replaceTable(accountId, named('new'), named('old'), once)
      expect(await chunkIds('old')).toEqual(idsOf(chunks))
    }
    await expect(tableNamed('new')).rejects.toMatchObject({ code: 'table_not_found' })
    await expect(bench.store.replaceTable(accountId, named('new'), named('old'))).rejects.toMatchObject({
      code: 'table_not_found',
    })
    await bench.store.replaceTable(accountId, named('old'), named('free'))
    expect(await bench.store.undropTable(accountId, named('old'))).toMatchObject({ rows: 2 })
    await expect(bench.store.replaceTable(accountId, named('free'), named('free'))).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('are swapped at once, by many at once, and once under one id', async () => {
    const [left, right] = [await makeTable('left', 1), await makeTable('right', 2)]
    const once = { uniqueId: 'swap' }
    await bench.store.swapTables(accountId, named('left'), named('right'), once)
    await bench.store.swapTables(accountId, named('left'), named('right'), once)
    expect((await tableNamed('left')).id).toBe(right.table.id)
    const swaps = Array.from({ length: 21 }, (_, index) =>
      index % 2 === 0
        ? bench.store.swapTables(accountId, named('left'), named('right'))
        : bench.store.swapTables(accountId, named('right'), named('left')),
    )
    await Promise.all(swaps)
    expect(await tableNamed('left')).toMatchObject({ id: left.table.id, rows: 1 })
    expect(await tableNamed('right')).toMatchObject({ id: right.table.id, rows: 2 })
    await expect(bench.store.swapTables(accountId, named('left'), named('none'))).rejects.toMatchObject({
      code: 'table_not_found',
    })
  })

  test('take the quarantine with them', async () => {
    const record = {
      recordNumber: 0,
      byteOffset: 0,
      reason: 'json_syntax',
      detail: '',
      raw: Buffer.from('{'),
      rawBytes: 1,
    }
    for (const name of ['kept', 'moved']) {
      const { table } = await makeTable(name)
      const quarantined = [{ ...record, uniqueId: name, objectKey: null }]
      await bench.store.commit({ ...commitTo(table, name), quarantined })
    }
    await bench.store.swapTables(accountId, named('kept'), named('moved'))
    const [entry] = await bench.store.listQuarantine(accountId, 'web', 'kept', { limit: 9 })
    expect(entry?.uniqueId).toBe('moved')
  })
})

describe('a dropped table', () => {
  test('comes back with its rows and its history, as long as that is kept', async () => {
    const { table, chunks } = await makeTable('back', 3)
    await removeChunks('back', chunks.slice(0, 1))
    await bench.store.dropTable(accountId, 'web', 'back')
    putForward(graceSeconds + 60)
    await sweepUntilQuiet()
    const once = { uniqueId: 'undrop' }
    expect(await bench.store.undropTable(accountId, named('back'), once)).toMatchObject({ id: table.id, rows: 2 })
    await bench.store.undropTable(accountId, named('back'), once)
    expect(await chunkIds('back')).toEqual(idsOf(chunks.slice(1)))
    expect(await chunkIds('back', 3)).toEqual(idsOf(chunks))
    putForward(2 * day)
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([false, true, true])
  })

  test('is gone when its history is over, and where its name is taken', async () => {
    const { chunks } = await makeTable('gone', 1)
    await bench.store.dropTable(accountId, 'web', 'gone')
    await makeTable('gone')
    await expect(bench.store.undropTable(accountId, named('gone'))).rejects.toMatchObject({ code: 'already_exists' })
    await bench.store.renameTable(accountId, named('gone'), named('another'))
    putForward(day + hour)
    await expect(bench.store.undropTable(accountId, named('gone'))).rejects.toMatchObject({ code: 'snapshot_expired' })
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([false])
    await expect(bench.store.undropTable(accountId, named('gone'))).rejects.toMatchObject({ code: 'table_not_found' })
  })

  test('that was dropped twice comes back as it was the last time', async () => {
    const first = await makeTable('twice', 1)
    await bench.store.dropTable(accountId, 'web', 'twice')
    const second = await makeTable('twice', 2)
    await bench.store.dropTable(accountId, 'web', 'twice')
    expect((await bench.store.undropTable(accountId, named('twice'))).id).toBe(second.table.id)
    await bench.store.renameTable(accountId, named('twice'), named('newer'))
    expect((await bench.store.undropTable(accountId, named('twice'))).id).toBe(first.table.id)
  })
})

describe('the history', () => {
  test('is listed, compared and read', async () => {
    const { chunks } = await makeTable('told', 3)
    await removeChunks('told', chunks.slice(0, 2))
    const listed = await bench.store.listSnapshots(accountId, named('told'), { limit: 2 })
    expect(listed).toMatchObject([
      {
        snapshot: 4,
        operation: 'delete',
        rows: 1,
        chunks: 1,
        removed: { rows: 2, bytes: 200, chunks: 2 },
        isKept: true,
      },
      { snapshot: 3, operation: 'import', rows: 3, chunks: 3, added: { rows: 1, bytes: 100, chunks: 1 }, isKept: true },
    ])
    const more = await bench.store.listSnapshots(accountId, named('told'), { limit: 9, before: 3 })
    expect(more.map(({ snapshot }) => snapshot)).toEqual([2, 1])
    const diff = await bench.store.diffSnapshots(accountId, named('told'), { snapshot: 4 }, { snapshot: 1 })
    expect(diff).toEqual({
      from: 1,
      to: 4,
      operations: [
        {
          operation: 'delete',
          commits: 1,
          added: { rows: 0, bytes: 0, chunks: 0 },
          removed: { rows: 2, bytes: 200, chunks: 2 },
        },
        {
          operation: 'import',
          commits: 2,
          added: { rows: 2, bytes: 200, chunks: 2 },
          removed: { rows: 0, bytes: 0, chunks: 0 },
        },
      ],
      added: { rows: 1, bytes: 100, chunks: 1 },
      removed: { rows: 1, bytes: 100, chunks: 1 },
    })
    expect(await chunkIds('told', 2)).toEqual(idsOf(chunks.slice(0, 2)))
  })

  test('reaches back so far as the table says, and the files stay a grace period longer', async () => {
    const { chunks } = await makeTable('kept', 1)
    await removeChunks('kept', chunks)
    putForward(day - hour)
    expect(await chunkIds('kept', 1)).toEqual(idsOf(chunks))
    putForward(hour + 60)
    await expect(chunkIds('kept', 1)).rejects.toMatchObject({ code: 'snapshot_expired' })
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([true])
    putForward(graceSeconds)
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([false])
    // What is forgotten stays so, also for a longer history.
    await bench.store.setProperties(accountId, named('kept'), { historyHours: 1000 })
    await expect(chunkIds('kept', 1)).rejects.toMatchObject({ code: 'snapshot_expired' })
    expect(await bench.store.listSnapshots(accountId, named('kept'), { limit: 9 })).toMatchObject([
      { operation: 'alter', isKept: true },
      { operation: 'delete', isKept: true },
      { operation: 'import', isKept: false },
    ])
  })

  test('ends at once where it is purged, and the files go after the grace period', async () => {
    const { chunks } = await makeTable('purged', 2)
    await removeChunks('purged', chunks.slice(0, 1))
    expect(await bench.store.purgeHistory(accountId, named('purged'), { uniqueId: 'p' })).toBe(1)
    await expect(chunkIds('purged', 2)).rejects.toMatchObject({ code: 'snapshot_expired' })
    expect(await chunkIds('purged')).toEqual(idsOf(chunks.slice(1)))
    await bench.store.setProperties(accountId, named('purged'), { historyHours: 1000 })
    putForward(graceSeconds - 60)
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([true, true])
    putForward(120)
    await sweepUntilQuiet()
    expect(await sizesOf(chunks)).toEqual([false, true])
  })

  test('knows columns by the version that a snapshot had', async () => {
    const { table } = await makeTable('typed', 1)
    const column = { fieldId: table.nextFieldId, name: 'n', type: { kind: 'bigint' as const } }
    const commit = commitTo(table, 'columns')
    await bench.store.commit({ ...commit, target: { ...commit.target, newColumns: [column] } })
    const names = async (snapshot: number) => {
      const [opened] = await bench.store.openSnapshot(accountId, [{ ...named('typed'), asOf: { snapshot } }])
      return opened?.table.columns.map(({ name }) => name)
    }
    expect(await names(1)).toEqual(['time', 'time_us', '_rescued'])
    expect(await names(2)).toEqual(['time', 'n', 'time_us', '_rescued'])
  })
})

describe('expiry', () => {
  test('removes chunks of which every row is too old', async () => {
    await makeTable('aging')
    const [row] = await bench.postgres.query<{ now: number }>(sql`select extract(epoch from now())::bigint as now`)
    const now = must(row, 'the time').now
    await bench.store.setProperties(accountId, named('aging'), { expireDays: 30 })
    const old = await addChunk('aging', now - 400 * day, now - 300 * day)
    const both = await addChunk('aging', now - 400 * day, now)
    const young = await addChunk('aging', now - hour, now)
    await makeTable('kept_for_ever', 1)
    expect(await bench.store.expireChunks()).toBe(1)
    expect(await bench.store.expireChunks()).toBe(0)
    expect((await chunkIds('aging')).toSorted()).toEqual(idsOf([both, young]).toSorted())
    expect(await chunkIds('aging', 2)).toEqual([old.id])
    const [last] = await bench.store.listSnapshots(accountId, named('aging'), { limit: 1 })
    expect(last).toMatchObject({ operation: 'expire', cause: 'expire_days', removed: { chunks: 1 } })
  })

  test.each([{ expireDays: 0 }, { expireDays: 1.5 }, { historyHours: -1 }, { historyHours: 1e9 }])(
    'is not set to %j',
    async (settings) => {
      await makeTable('checked')
      await expect(bench.store.setProperties(accountId, named('checked'), settings)).rejects.toMatchObject({
        code: 'invalid_request',
      })
    },
  )
})
