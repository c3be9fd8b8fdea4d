import { IcebergError, IcebergRestCatalog } from 'iceberg-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { queryRows } from '../support/query.ts'
import { runScript } from './python.ts'
import { catalogOf, importRecords } from './support.ts'

let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa()
})
afterAll(() => biwa.stop())

describe('PyIceberg', () => {
  test('makes a table, and what it appends, deletes and overwrites is what our SQL sees', async () => {
    const found = (await runScript('writes.py', catalogOf(biwa))) as Record<string, unknown>
    const [row] = await queryRows(
      biwa,
      'select count(*), sum(n)::bigint, min(time), max(price)::varchar from lake.orders',
    )
    expect(row).toEqual([found['count'], found['sum'], 1_700_000_000, '1500.25'])
    expect(found).toMatchObject({ count: 1397, filtered: 3, properties: { owner: 'tests', stage: 'tested' } })
    const [values] = await queryRows(
      biwa,
      `select text, tags[2], "at"::varchar, "day"::varchar, share, flag, hex(raw), note from lake.orders where n = 5001`,
    )
    expect(values).toEqual(['text 5001', '5001', '2024-01-01 00:00:21.25', '2024-01-18', 625.125, false, '89', 'y'])
  })

  test('reads every type of what was imported, with and without repetition and nulls', async () => {
    const columns = Object.entries(typesOfColumns).map(([name, type]) => ({ name, type }))
    const body = JSON.stringify({ name: 'types', columns })
    await biwa.request('/api/v1/databases', { method: 'POST', body: JSON.stringify({ name: 'lake2' }) })
    const made = await biwa.request('/api/v1/databases/lake2/tables', { method: 'POST', body })
    expect(made.status).toBe(201)
    const records = Array.from({ length: 6000 }, (_, n) => recordOfTypes(n))
    await importRecords(biwa, 'lake2.types', records)
    const found = (await runScript('read_all.py', { ...catalogOf(biwa), table: 'lake2.types' })) as Record<
      string,
      unknown[]
    >
    for (const name of Object.keys(typesOfColumns)) {
      const expected = records.map((record) => record[name] ?? null)
      // PyIceberg gives maps as lists of pairs.
      const pairs = (value: unknown) => (value === null ? null : Object.entries(value as object))
      expect(found[name], name).toEqual(name === 'pairs' ? expected.map(pairs) : expected)
    }
  })
})

const typesOfColumns = {
  n: 'bigint',
  spread: 'bigint',
  share: 'double',
  flag: 'boolean',
  text: 'varchar',
  kind: 'varchar',
  day: 'date',
  at: 'timestamp',
  price: 'decimal(18,2)',
  large: 'decimal(38,2)',
  tags: 'array(varchar)',
  pairs: 'map(varchar, bigint)',
  place: 'row(x bigint, y double)',
}

/** As it is sent, which is as PyIceberg tells it. */
function recordOfTypes(n: number): Readonly<Record<string, unknown>> {
  const second = String(n % 60).padStart(2, '0')
  return {
    time: 1_700_000_000 + n,
    n,
    spread: n % 3 === 0 ? null : (n * 7919) % 100_003,
    share: n % 5 === 0 ? null : n / 8,
    flag: n % 7 === 0 ? null : n % 2 === 0,
    text: n % 11 === 0 ? null : `text ${(n * 7919) % 100_003}`,
    kind: `kind ${n % 4}`,
    day: `2024-01-${String((n % 28) + 1).padStart(2, '0')}`,
    at: n % 4 === 0 ? null : `2024-01-01 00:00:${second}.250000`,
    price: `${n}.25`,
    large: n % 6 === 0 ? null : `${n}00000000000000000000.50`,
    tags: n % 13 === 0 ? null : Array.from({ length: n % 4 }, (_, index) => (index === 1 ? null : `tag ${n}`)),
    pairs: n % 17 === 0 ? null : { a: n, b: null },
    place: n % 19 === 0 ? null : { x: n, y: n / 4 },
  }
}

describe('DuckDB', () => {
  test('reads what was imported, also with a filter on what the partitions are by', async () => {
    const records = Array.from({ length: 5000 }, (_, n) => ({
      time: 1_700_000_000 + n * 7,
      n,
      text: n % 3 === 0 ? null : `text ${n}`,
      share: n / 8,
    }))
    await importRecords(biwa, 'duck.events', records)
    await importRecords(biwa, 'duck.events', [{ time: 5, n: -1, late: true }])
    const filters = ['true', 'time < 1700003600', 'time >= 1700030000 and n % 2 = 0', "text > 'text 49'", 'late']
    const queries = filters.map((filter) => `select count(*), sum(n), max(text) from TABLE where ${filter}`)
    const found = await runScript('duckdb_reader.py', {
      ...catalogOf(biwa),
      queries: queries.map((query) => query.replace('TABLE', 'biwa.duck.events')),
    })
    const expected: unknown[] = []
    for (const query of queries) {
      expected.push(await queryRows(biwa, query.replace('TABLE', 'duck.events').replace('sum(n)', 'sum(n)::bigint')))
    }
    expect(found).toEqual(expected)
  })
})

describe('DuckDB as a writer', () => {
  test('makes a table and inserts, and our SQL sees it', async () => {
    await importRecords(biwa, 'duck.inserted', [{ time: 1, n: 1 }])
    await runScript('duckdb_reader.py', {
      ...catalogOf(biwa),
      queries: [
        'insert into biwa.duck.inserted (time, n) select 100 + i, i from range(1000) as t (i)',
        'create table biwa.duck.made (time bigint not null, text varchar)',
        "insert into biwa.duck.made (time, text) values (5, 'a'), (6, null)",
      ],
    })
    expect(await queryRows(biwa, 'select count(*), sum(n)::bigint, max(time) from duck.inserted')).toEqual([
      [1001, 499_501, 1099],
    ])
    expect(await queryRows(biwa, 'select time, text from duck.made order by time')).toEqual([
      [5, 'a'],
      [6, null],
    ])
  })
})

describe('iceberg-js', () => {
  const open = () =>
    new IcebergRestCatalog({ baseUrl: `${biwa.url}/iceberg`, auth: { type: 'bearer', token: biwa.apiKey } })

  test('makes, lists, loads and drops', async () => {
    const catalog = open()
    await catalog.createNamespace({ namespace: ['js'] })
    expect(await catalog.listNamespaces()).toContainEqual({ namespace: ['js'] })
    const table = { namespace: ['js'], name: 'made' }
    const fields = [
      { id: 1, name: 'time', type: 'long' as const, required: true },
      { id: 2, name: 'name', type: 'string' as const, required: false },
    ]
    await catalog.createTable({ namespace: ['js'] }, { name: 'made', schema: { type: 'struct', fields } })
    const loaded = await catalog.loadTable(table)
    expect(JSON.stringify(loaded)).toContain('"format-version":2')
    expect(await catalog.tableExists(table)).toBe(true)
    await catalog.dropTable(table)
    expect(await catalog.tableExists(table)).toBe(false)
    await expect(catalog.loadTable(table)).rejects.toBeInstanceOf(IcebergError)
    await catalog.dropNamespace({ namespace: ['js'] })
    expect(await catalog.namespaceExists({ namespace: ['js'] })).toBe(false)
  })
})
