import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openTestDatabase } from '../../../test/support/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { isFixedColumn } from '../columns.ts'
import type { Commit, Table, ColumnChange } from '../store.ts'
import type { StoreBench } from '../testing/store-bench.ts'
import { openStoreBench } from '../testing/store-bench.ts'
import { formatType, parseType } from '../types.ts'

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
  const columns = [
    { name: 'code', type: parseType('bigint') },
    { name: 'Path', type: parseType('varchar') },
  ]
  table = await bench.store.createTable(accountId, 'web', 'logs', { columns })
})

const logs = { database: 'web', name: 'logs' }

const alter = (change: ColumnChange, uniqueId?: string) =>
  bench.store.alterColumns(accountId, logs, [change], uniqueId === undefined ? undefined : { uniqueId })

const own = ({ columns }: Table) =>
  columns
    .filter((column) => !isFixedColumn(column))
    .map(({ fieldId, name, type }) => `${fieldId} ${name} ${formatType(type)}`)

let imports = 0

async function commit(of: Table, more: Partial<Commit> = {}) {
  const chunk = await bench.uploadChunk({ accountId, tableId: table.id }, 0, 10)
  return await bench.store.commit({
    accountId,
    target: { tableId: of.id, schemaVersion: of.schemaVersion, newColumns: [] },
    operation: 'import',
    cause: 'test',
    chunks: [chunk],
    ids: [{ uniqueId: `import ${(imports += 1)}`, rows: 1, quarantined: 0 }],
    quarantined: [],
    ...more,
  })
}

const tableRow = async () => {
  const [row] = await bench.postgres.query(
    sql`select restating, restated_version, cluster_columns from tables where id = ${table.id}`,
  )
  return row
}

describe('a change of columns', () => {
  test('adds, drops, renames and retypes, and says so in the history', async () => {
    expect(own(await alter({ kind: 'add_column', name: 'user', type: parseType('array(bigint)') }))).toEqual([
      '6 code bigint',
      '7 Path varchar',
      '8 user array(bigint)',
    ])
    expect(own(await alter({ kind: 'change_type', name: 'CODE', type: parseType('varchar') }))).toEqual([
      '10 code varchar',
      '7 Path varchar',
      '8 user array(bigint)',
    ])
    expect(own(await alter({ kind: 'rename_column', name: 'code', to: 'status' }))[0]).toBe('10 status varchar')
    expect(own(await alter({ kind: 'rename_column', name: 'path', to: 'path' }))[1]).toBe('7 path varchar')
    const last = await alter({ kind: 'drop_column', name: 'path' })
    expect(own(last)).toEqual(['10 status varchar', '8 user array(bigint)'])
    expect(last).toMatchObject({ schemaVersion: 6, restatedVersion: 6, snapshot: 5, nextFieldId: 11 })
    expect(await bench.store.schemaChanges(last)).toEqual([
      { version: 2, kind: 'restore', column: { fieldId: 8, name: 'user', type: parseType('array(bigint)') } },
      {
        version: 3,
        kind: 'retype',
        from: { fieldId: 6, name: 'code', type: { kind: 'bigint' } },
        to: { fieldId: 10, name: 'code', type: { kind: 'varchar' } },
      },
      { version: 4, kind: 'rename', fieldId: 10, from: 'code', to: 'status' },
      { version: 5, kind: 'rename', fieldId: 7, from: 'Path', to: 'path' },
      { version: 6, kind: 'drop', column: { fieldId: 7, name: 'path', type: { kind: 'varchar' } } },
    ])
    const snapshots = await bench.postgres.query(sql`
      select operation, cause, schema_version from snapshots where table_id = ${table.id} order by snapshot`)
    expect(snapshots).toEqual(
      [2, 3, 4, 5, 6].map((schema_version) => ({ operation: 'alter', cause: 'alter', schema_version })),
    )
  })

  test('of several kinds at once is made whole or not at all', async () => {
    const text = parseType('varchar')
    const several: ColumnChange[] = [
      { kind: 'drop_column', name: 'path' },
      { kind: 'add_column', name: 'path', type: text },
      { kind: 'drop_column', name: 'none', ifExists: true },
      { kind: 'change_type', name: 'code', type: text },
    ]
    const refused = bench.store.alterColumns(accountId, logs, [...several, { kind: 'drop_column', name: 'none' }])
    await expect(refused).rejects.toMatchObject({ code: 'column_not_found' })
    const before = await bench.store.table(accountId, 'web', 'logs')
    expect(own(before)).toEqual(own(table))
    expect(before.snapshot).toBe(table.snapshot)
    const after = await bench.store.alterColumns(accountId, logs, several, { uniqueId: 'several' })
    expect(own(after)).toEqual(['9 code varchar', '8 path varchar'])
    expect(after).toMatchObject({ schemaVersion: 4, restatedVersion: 4, snapshot: 3 })
    expect(await bench.store.alterColumns(accountId, logs, several, { uniqueId: 'several' })).toMatchObject({
      snapshot: 3,
    })
  })

  test('asks for a job where there are rows, and refuses files that were written for the columns of before', async () => {
    await alter({ kind: 'rename_column', name: 'code', to: 'status' })
    expect(await tableRow()).toMatchObject({ restating: false, restated_version: 2 })
    expect(await commit(table)).toEqual({ kind: 'schema_changed' })
    const now = await bench.store.table(accountId, 'web', 'logs')
    expect(await commit(now)).toMatchObject({ kind: 'committed' })
    await alter({ kind: 'rename_column', name: 'status', to: 'code' })
    expect(await tableRow()).toMatchObject({ restating: true, restated_version: 3 })
  })

  test('leaves the changes of later versions to those who open the table later', async () => {
    const before = await alter({ kind: 'rename_column', name: 'code', to: 'status' })
    await alter({ kind: 'drop_column', name: 'status' })
    expect(await bench.store.schemaChanges(before)).toMatchObject([{ kind: 'rename' }])
    expect(await bench.store.schemaChanges(table)).toEqual([])
  })

  test('keeps the order of clustered rows by the column that took the place of another', async () => {
    await bench.postgres.query(sql`update tables set cluster_columns = '{6,7}' where id = ${table.id}`)
    await alter({ kind: 'change_type', name: 'code', type: parseType('double') })
    expect(await tableRow()).toMatchObject({ cluster_columns: [8, 7] })
    await alter({ kind: 'drop_column', name: 'path' })
    expect(await tableRow()).toMatchObject({ cluster_columns: [8] })
  })

  test('does nothing a second time', async () => {
    const added = await alter({ kind: 'add_column', name: 'user', type: parseType('bigint') }, 'job:1')
    const changes: ColumnChange[] = [
      { kind: 'add_column', name: 'USER', type: parseType('bigint'), ifNotExists: true },
      { kind: 'drop_column', name: 'nothing', ifExists: true },
      { kind: 'change_type', name: 'code', type: parseType('bigint') },
      { kind: 'rename_column', name: 'code', to: 'code' },
    ]
    for (const change of changes) expect(await alter(change)).toEqual(added)
    // An attempt that got no answer, and is repeated after somebody else went on.
    const dropped = await alter({ kind: 'drop_column', name: 'user' })
    expect(await alter({ kind: 'add_column', name: 'user', type: parseType('bigint') }, 'job:1')).toEqual(dropped)
  })

  test.each<[ColumnChange, string]>([
    [{ kind: 'add_column', name: 'Code', type: { kind: 'bigint' } }, 'already_exists'],
    [{ kind: 'add_column', name: 'TIME', type: { kind: 'bigint' } }, 'invalid_name'],
    [{ kind: 'add_column', name: '', type: { kind: 'bigint' } }, 'invalid_name'],
    [{ kind: 'rename_column', name: 'code', to: 'PATH' }, 'already_exists'],
    [{ kind: 'rename_column', name: 'code', to: '_rescued' }, 'invalid_name'],
    [{ kind: 'rename_column', name: 'nothing', to: 'x' }, 'column_not_found'],
    [{ kind: 'drop_column', name: 'nothing' }, 'column_not_found'],
    [{ kind: 'drop_column', name: 'time' }, 'invalid_request'],
    [{ kind: 'change_type', name: '_rescued', type: { kind: 'json' } }, 'invalid_request'],
  ])('%j fails with %s', async (change, code) => {
    await expect(alter(change)).rejects.toMatchObject({ code })
    expect(await bench.store.table(accountId, 'web', 'logs')).toEqual(table)
  })

  test('of a table that is not there, or has as many columns as it may, is refused', async () => {
    const change: ColumnChange = { kind: 'add_column', name: 'c', type: { kind: 'bigint' } }
    await expect(
      bench.store.alterColumns(accountId, { database: 'web', name: 'none' }, [change]),
    ).rejects.toMatchObject({
      code: 'table_not_found',
    })
    await expect(bench.store.alterColumns(accountId, { database: 'no', name: 'logs' }, [change])).rejects.toMatchObject(
      {
        code: 'database_not_found',
      },
    )
    const columns = Array.from({ length: 2000 }, (_, index) => ({ name: `c${index}`, type: parseType('bigint') }))
    await bench.store.createTable(accountId, 'web', 'wide', { columns })
    const wide = bench.store.alterColumns(accountId, { database: 'web', name: 'wide' }, [
      { ...change, name: 'one_more' },
    ])
    await expect(wide).rejects.toMatchObject({ code: 'too_many_columns' })
  })

  test('of the mode makes imports that were about to add columns look again', async () => {
    const frozen = await bench.store.setProperties(accountId, logs, { schemaMode: 'freeze' })
    expect(frozen).toMatchObject({ settings: { schemaMode: 'freeze' }, schemaVersion: 2, restatedVersion: 1 })
    const newColumns = [{ fieldId: 8, name: 'new', type: parseType('bigint') }]
    const target = { tableId: table.id, schemaVersion: table.schemaVersion, newColumns }
    expect(await commit(table, { target })).toEqual({ kind: 'schema_changed' })
    expect(await commit(table)).toMatchObject({ kind: 'committed' })
  })

  test('is made once by many at a time, each on what the one before has left', async () => {
    const added = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        alter({ kind: 'add_column', name: `c${index % 4}`, type: { kind: 'json' } }),
      ),
    )
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    const now = await bench.store.table(accountId, 'web', 'logs')
    expect(now.schemaVersion).toBe(5)
    expect(new Set(now.columns.map(({ fieldId }) => fieldId)).size).toBe(now.columns.length)
  })
})
