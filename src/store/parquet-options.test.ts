import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { parquetVersionDefault } from '../base/parquet/version.ts'
import { chunkOptions, groupRowsOf } from './parquet-options.ts'
import { quotedText } from './types.ts'

const rows = 1_000_000
const columnCount = 3
const groups = Math.ceil(rows / groupRowsOf(columnCount))

let folder: string
let duckdb: DuckDBConnection

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-options-'))
  duckdb = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  await duckdb.run(`create table visits as
    select 1700000000 + i as time, 'user ' || md5((hash(i) % 100000)::varchar) as user_id, i as n from range(${rows}) r(i)`)
})
afterAll(async () => {
  duckdb.closeSync()
  await rm(folder, { recursive: true })
})

async function select(text: string): Promise<unknown[][]> {
  return (await duckdb.runAndReadAll(text)).getRowsJson()
}

/** A chunk with the visits, and SQL that reads it. */
async function write(
  order: string,
  name: string,
  more: readonly string[] = [],
): Promise<{ path: string; file: string }> {
  const path = join(folder, `${name}.parquet`)
  const options = [...chunkOptions(`{"time": 1, "user_id": 6, "n": 7}`, columnCount, parquetVersionDefault), ...more]
  await duckdb.run(`copy (from visits order by ${order}) to ${quotedText(path)} (${options.join(', ')})`)
  return { path, file: `read_parquet(${quotedText(path)})` }
}

/** Overwrites the values of the row groups, so that who reads them fails. Footer and bloom filters stay as they are. */
async function spoil(path: string, isSpoilt: (group: number) => boolean): Promise<void> {
  const chunks = await select(
    `select row_group_id, coalesce(dictionary_page_offset, data_page_offset), total_compressed_size
       from parquet_metadata(${quotedText(path)})`,
  )
  const file = await open(path, 'r+')
  for (const [group, offset, bytes] of chunks) {
    if (isSpoilt(Number(group))) await file.write(Buffer.alloc(Number(bytes), 0xff), 0, Number(bytes), Number(offset))
  }
  await file.close()
}

describe('a look-up by a column of many values', () => {
  test('reads one row group where the rows are sorted by it', async () => {
    const { path, file } = await write('user_id, time', 'clustered')
    const [[userId, group, visits] = []] = await select(
      `select user_id, min(file_row_number) // ${groupRowsOf(columnCount)}, count(*) from read_parquet(${quotedText(path)}, file_row_number = true)
        group by 1 having min(file_row_number) // ${groupRowsOf(columnCount)} = max(file_row_number) // ${groupRowsOf(columnCount)} order by 1 limit 1 offset 500`,
    )
    await spoil(path, (of) => of !== Number(group))
    expect(await select(`select count(*) from ${file} where user_id = ${quotedText(String(userId))}`)).toEqual([
      [visits],
    ])
    await expect(select(`select count(*) from ${file} where user_id > ${quotedText(String(userId))}`)).rejects.toThrow()
  })

  test('reads no row group where none has the value, by its bloom filters', async () => {
    const { path, file } = await write('user_id, time', 'absent')
    const bloom = `select count(bloom_filter_length) from parquet_metadata(${quotedText(path)}) where path_in_schema = 'user_id'`
    expect(await select(bloom)).toEqual([[String(groups)]])
    await spoil(path, () => true)
    // Within the bounds of a group, all of them, so that only the filter can tell.
    const absent = Array.from({ length: 20 }, (_, index) => `'user ${'5'.repeat(20)}${index}'`)
    const found = await Promise.all(
      absent.map((value) => select(`select count(*) from ${file} where user_id = ${value}`).catch(() => 'read')),
    )
    // One in a hundred is let through by mistake.
    expect(found.filter((answer) => answer !== 'read').length).toBeGreaterThan(15)
    expect(
      found
        .flat(2)
        .filter((answer) => answer !== 'read')
        .every((count) => count === '0'),
    ).toBe(true)

    const without = await write('user_id, time', 'without', ['write_bloom_filter false'])
    await spoil(without.path, () => true)
    await expect(select(`select count(*) from ${without.file} where user_id = ${absent[0]}`)).rejects.toThrow()
  })

  test('reads all of them where the rows are sorted by time alone: such columns have no dictionary there', async () => {
    const { path } = await write('time', 'by-time')
    const bloom = `select count(bloom_filter_length) from parquet_metadata(${quotedText(path)}) where path_in_schema = 'user_id'`
    expect(await select(bloom)).toEqual([['0']])
  })
})

test('the second version has encodings that readers of the first refuse, and the same rows', async () => {
  const versions = ['v1', 'v2'] as const
  const paths = versions.map((version) => join(folder, `encoded-${version}.parquet`))
  for (const [index, version] of versions.entries()) {
    const options = chunkOptions(`{"time": 1, "user_id": 6, "n": 7}`, columnCount, version)
    await duckdb.run(`copy (from visits order by time) to ${quotedText(paths[index] ?? '')} (${options.join(', ')})`)
  }
  const [first = '', second = ''] = paths.map(quotedText)
  const encodings = (path: string): Promise<unknown[][]> =>
    select(`select distinct encodings from parquet_metadata(${path}) order by 1`)
  expect(await encodings(first)).toEqual([['PLAIN']])
  expect(await encodings(second)).toEqual([['DELTA_BINARY_PACKED'], ['DELTA_LENGTH_BYTE_ARRAY']])
  expect(await select(`(from ${first} except from ${second}) union all (from ${second} except from ${first})`)).toEqual(
    [],
  )
})
