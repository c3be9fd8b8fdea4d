import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { decodeMulti, encode } from '@msgpack/msgpack'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { runCli, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { finishQuery, queryRows } from '../support/query.ts'

const folder = mkdtempSync(join(tmpdir(), 'biwa-nested-'))
let biwa: Biwa
beforeAll(async () => {
  biwa = await startBiwa({ sample: false })
  await biwa.request('/api/v1/databases', { method: 'POST', body: JSON.stringify({ name: 'test' }) })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await biwa.stop()
})

async function cli(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(biwa, words)
  expect(code, stderr).toBe(0)
  return stdout
}

async function importFile(name: string, content: string | Uint8Array): Promise<void> {
  const path = join(folder, name)
  writeFileSync(path, content)
  await cli('import', path, 'test.orders', '--wait', '--strict')
}

async function formatted(sql: string, format: string): Promise<Buffer> {
  const { id, state, error } = await finishQuery(biwa, sql)
  expect(state, JSON.stringify(error)).toBe('success')
  const response = await biwa.request(`/api/v1/jobs/${id}/result?format=${format}`)
  return Buffer.from(await response.arrayBuffer())
}

it('nested columns are made, filled, asked and delivered in every format', async () => {
  const items = 'items:array(row(sku varchar,"a:b" map(varchar,double)))'
  await cli('table', 'create', 'test.orders', 'tags:array(varchar)', items, 'place:row(city varchar,at array(double))')
  const shown = (await (await biwa.request('/api/v1/databases/test/tables/orders')).json()) as {
    columns: { name: string; type: string }[]
  }
  expect(shown.columns.map(({ name, type }) => `${name}:${type}`)).toEqual(
    expect.arrayContaining(['tags:array(varchar)', items, 'place:row(city varchar,at array(double))']),
  )

  const order = {
    tags: ['x', null],
    items: [{ sku: 'A', 'a:b': { k: 1.5 } }],
    place: { city: 'Kyoto', at: [35.5, 135.25] },
  }
  await importFile('a.ndjson', `${JSON.stringify({ time: 1, ...order })}\n{"time":2,"tags":[],"items":[7],"place":{}}`)
  await importFile('b.msgpack', encode({ time: 3, ...order }))
  await importFile('c.csv', `time,tags,place\n4,"[""y"",""z""]","{""CITY"":""Nara""}"\n`)

  const parts = `select time, tags[1], items[1].sku, items[1]."a:b"['k'], place.city, place.at[2], _rescued['items']
                   from orders order by time`
  expect(await queryRows(biwa, parts)).toEqual([
    [1, 'x', 'A', 1.5, 'Kyoto', 135.25, null],
    [2, null, null, null, null, null, '[7]'],
    [3, 'x', 'A', 1.5, 'Kyoto', 135.25, null],
    [4, 'y', null, null, 'Nara', null, null],
  ])
  expect(await queryRows(biwa, 'select time, unnest(tags) as tag from orders order by 1, 2')).toEqual([
    [1, 'x'],
    [1, null],
    [3, 'x'],
    [3, null],
    [4, 'y'],
    [4, 'z'],
  ])

  const whole = 'select tags, items, place from orders where time <= 2 order by time'
  const rows = [
    [order.tags, order.items, order.place],
    [[], null, { city: null, at: null }],
  ]
  const json = (value: unknown) => JSON.stringify(value)
  expect(JSON.parse((await formatted(whole, 'json')).toString())).toMatchObject({ rows })
  const lines = (await formatted(whole, 'ndjson')).toString().trim().split('\n')
  expect(lines.map((line) => Object.values(JSON.parse(line) as object))).toEqual(rows)
  const quoted = (value: unknown) => `"${json(value).replaceAll('"', '""')}"`
  const csv = (await formatted(whole, 'csv')).toString().replaceAll('\r', '').trimEnd().split('\n').slice(1)
  expect(csv).toEqual([rows[0]?.map(quoted).join(','), `[],,${quoted(rows[1]?.[2])}`])
  expect((await formatted(whole, 'tsv')).toString()).toContain('Kyoto')
  expect([...decodeMulti(await formatted(whole, 'msgpack'))]).toEqual(rows)
  const path = join(folder, 'result.parquet')
  writeFileSync(path, await formatted(whole, 'parquet'))
  const bare = await (await DuckDBInstance.create()).connect()
  const found = await bare.runAndReadAll(`select tags, items, place from '${path}'`)
  expect(found.columnTypes().map(String)).toEqual([
    'VARCHAR[]',
    'STRUCT("sku" VARCHAR, "a:b" MAP(VARCHAR, DOUBLE))[]',
    'STRUCT("city" VARCHAR, "at" DOUBLE[])',
  ])
  expect(found.getRowsJS()).toEqual([
    [order.tags, [{ sku: 'A', 'a:b': [{ key: 'k', value: 1.5 }] }], order.place],
    rows[1],
  ])
})
