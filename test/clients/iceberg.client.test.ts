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
})

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
