import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemDisk } from '../disk.ts'
import { must } from '../errors.ts'
import { joinFiles, readPart } from './join-files.ts'
import type { JoinedPart } from './join-files.ts'
import { readFooter } from './read-footer.ts'

let directory: string
let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'biwa-join-'))
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
  rmSync(directory, { recursive: true })
})

const rowsOf = async (query: string) => (await connection.runAndReadAll(query)).getRowsJson()

const columns = `i as time, (i * 7919) % 1000 / 8.0 as amount, 'user ' || i % 53 as user, 'text ' || i * 7919 as text,
  case when i % 3 = 0 then null else i % 2 = 0 end as flag, ['a', null, 'x' || i] as tags,
  map {'k' || i % 5: 'v'} as _rescued, (i / 8)::decimal(10, 2) as price, timestamp '2026-01-01' + to_seconds(i) as at`

let made = 0

async function part(from: number, count: number, { version = 'v2', select = columns, groupRows = 2048 } = {}) {
  const path = join(directory, `part-${(made += 1)}.parquet`)
  await connection.run(
    `copy (select ${select} from range(${from}, ${from + count}) r(i)) to '${path}'
       (format parquet, compression zstd, row_group_size ${groupRows}, parquet_version ${version}, field_ids {time: 1})`,
  )
  return { path, crc32: crc32(readFileSync(path)) }
}

const footersOf = async (parts: readonly JoinedPart[]) => {
  const footers = await Promise.all(parts.map((one) => readPart(systemDisk, one)))
  return footers.filter((footer) => footer !== undefined)
}
const joined = (parts: readonly JoinedPart[]) => {
  const target = join(directory, `joined-${(made += 1)}.parquet`)
  return { target, outcome: footersOf(parts).then((footers) => joinFiles(systemDisk, footers, target)) }
}

test('a joined file has the rows, statistics, dictionaries and bloom filters of its parts', async () => {
  const parts = [await part(0, 5000), await part(5000, 1), await part(10_000, 20_000, { groupRows: 4096 })]
  const { target, outcome } = joined(parts)
  await outcome
  const footer = await readFooter(target, statSync(target).size, async (from, to) =>
    readFileSync(target).subarray(from, to),
  )
  expect(await outcome).toBe(statSync(target).size)
  expect(await footersOf([{ path: target, crc32: 0 }])).toMatchObject([{ rows: 25_001, rowGroups: 3 + 1 + 5 }])
  expect(footer.rows).toBe(25_001)
  const source = parts.map(({ path }) => `'${path}'`).join(', ')
  expect(await rowsOf(`select * from '${target}'`)).toEqual(await rowsOf(`select * from read_parquet([${source}])`))
  const facts = `row_group_num_rows, path_in_schema, num_values, stats_min_value, stats_max_value, stats_null_count, encodings,
    total_compressed_size, case when path_in_schema <> 'amount' then bloom_filter_length end as filter, data_page_offset - coalesce(dictionary_page_offset, data_page_offset) as dictionary`
  const metadata = (files: string) => rowsOf(`select ${facts} from parquet_metadata([${files}])`)
  expect(await metadata(`'${target}'`)).toEqual(await metadata(source))
  const excluded = (files: string, value: string) =>
    rowsOf(`select count(*) from parquet_bloom_probe([${files}], 'user', '${value}') where bloom_filter_excludes`)
  for (const value of ['user 7', 'user 99', 'nobody']) {
    expect(await excluded(`'${target}'`, value)).toEqual(await excluded(source, value))
  }
  const filtered = `where "user" = 'user 7' and time >= 12000 and amount > 3`
  expect(await rowsOf(`select count(*), sum(price) from '${target}' ${filtered}`)).toEqual(
    await rowsOf(`select count(*), sum(price) from read_parquet([${source}]) ${filtered}`),
  )
})

test('a joined file forgets the bloom filters of doubles, by which DuckDB finds what is the same and not what is equal', async () => {
  const select = `i as time, case when i % 2 = 0 then '-0.0'::double else 8 end as amount`
  const parts = [await part(0, 3000, { select }), await part(3000, 3000, { select })]
  const { target, outcome } = joined(parts)
  await outcome
  expect(await rowsOf(`select count(*) from '${must(parts[0], 'a part').path}' where amount = 0.0`)).toEqual([['0']])
  expect(await rowsOf(`select count(*) from '${target}' where amount = 0.0`)).toEqual([['3000']])
  expect(await rowsOf(`select count(bloom_filter_offset) from parquet_metadata('${target}')`)).toEqual([['0']])
})

test('a joined file can be joined again, to more row groups than a short list has', async () => {
  const first = joined(await Promise.all([part(0, 9000), part(9000, 9000)]))
  await first.outcome
  const again = { path: first.target, crc32: crc32(readFileSync(first.target)) }
  const second = joined([again, again, await part(18_000, 10)])
  await second.outcome
  expect(await footersOf([{ path: second.target, crc32: 0 }])).toMatchObject([{ rows: 36_010, rowGroups: 21 }])
  expect(
    await rowsOf(`select count(*), sum(time), max(row_group_id) from '${second.target}',
      (select max(row_group_id) as row_group_id from parquet_metadata('${second.target}'))`),
  ).toEqual(
    await rowsOf(`select 36010::bigint, (2 * sum(i) + 18000 * 10 + 45)::hugeint, 20::bigint from range(18000) r(i)`),
  )
})

test('files that differ have other frames, and what is no file of Parquet has none', async () => {
  const sound = await part(0, 3000)
  const others = [
    await part(0, 10, { version: 'v1' }),
    await part(0, 10, { select: `${columns}, i as more` }),
    await part(0, 10, { select: columns.replace('i as time', 'i::double as time') }),
  ]
  const frames = (await footersOf([sound, ...others])).map(({ frame }) => frame)
  expect(new Set(frames).size).toBe(4)
  const [again] = await footersOf([await part(7, 10)])
  expect(again?.frame).toBe(frames[0])
  const text = join(directory, 'text')
  writeFileSync(text, 'no Parquet')
  expect(await readPart(systemDisk, { path: text, crc32: 0 })).toBeUndefined()
})

test('nothing is left of a file for which a part was damaged', async () => {
  const sound = await part(0, 3000)
  const damaged = await part(3000, 3000)
  const bytes = readFileSync(damaged.path)
  bytes[1000] = (bytes[1000] ?? 0) ^ 1
  writeFileSync(damaged.path, bytes)
  const { target, outcome } = joined([sound, damaged])
  expect(await outcome).toBeUndefined()
  expect(() => statSync(target)).toThrow('ENOENT')
})
