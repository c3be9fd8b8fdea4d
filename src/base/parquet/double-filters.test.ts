import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { systemDisk } from '../disk.ts'
import { forgetDoubleFilters } from './double-filters.ts'

let directory: string
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'biwa-filters-'))
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
  // A file that changes within a second of being written would be read from memory.
  await connection.run('set enable_external_file_cache = false')
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(directory, { recursive: true })
})

const rowsOf = async (query: string) => (await connection.runAndReadAll(query)).getRowsJson()

async function write(name: string, columns: string): Promise<string> {
  const path = join(directory, `${name}.parquet`)
  await connection.run(
    `copy (select ${columns} from range(9000) r(i)) to '${path}' (format parquet, row_group_size 2048, parquet_version v2)`,
  )
  return path
}

const filtersOf = (path: string) =>
  rowsOf(`select path_in_schema, count(bloom_filter_offset) > 0, count(bloom_filter_length) > 0
            from parquet_metadata('${path}') group by 1 order by 1`)

describe.each(['double', 'float'])('a column of the type %s', (type) => {
  const values = `case i % 3 when 0 then '-0.0'::${type} when 1 then '-nan'::${type} else 8 end`

  test('finds what is equal and not the same, since its filter is forgotten', async () => {
    const path = await write(type, `${values} as value, [${values}] as list, 'user ' || i % 7 as name, i`)
    const found = async () => [
      await rowsOf(`select count(*) from '${path}' where value = 0.0`),
      await rowsOf(`select count(*) from '${path}' where value = 'nan'`),
    ]
    // This is what it is about: were DuckDB to find them by itself, nothing would have to be forgotten.
    expect(await found()).toEqual([[['0']], [['0']]])
    const [before, bytes] = [await rowsOf(`select * from '${path}'`), readFileSync(path).byteLength]
    await forgetDoubleFilters(systemDisk, path)
    expect(await found()).toEqual([[['3000']], [['3000']]])
    expect(await rowsOf(`select * from '${path}'`)).toEqual(before)
    expect(readFileSync(path).byteLength).toBe(bytes)
    expect(await filtersOf(path)).toEqual([
      ['i', false, false],
      ['list, list, element', false, false],
      ['name', true, true],
      ['value', false, false],
    ])
    expect(await rowsOf(`select count(*) from '${path}' where name = 'user 3'`)).toEqual([['1286']])
    const once = readFileSync(path)
    await forgetDoubleFilters(systemDisk, path)
    expect(readFileSync(path).equals(once)).toBe(true)
  })
})

test('a file without floating columns stays as it is', async () => {
  const path = await write('others', `'user ' || i % 7 as name, i % 5 as code`)
  const before = readFileSync(path)
  await forgetDoubleFilters(systemDisk, path)
  expect(readFileSync(path).equals(before)).toBe(true)
})
