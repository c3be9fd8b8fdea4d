import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { systemDisk } from '../disk.ts'
import type { Disk } from '../disk.ts'
import { must } from '../errors.ts'
import { joinFiles } from './join-files.ts'
import { JoinedSchema } from './joined-schema.ts'
import { readPart } from './part-footer.ts'
import type { JoinedPart } from './part-footer.ts'
import { readFooter } from './read-footer.ts'
import type { ParquetColumn } from './vectors.ts'
import { writePlainParquet } from './write-plain.ts'

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

async function part(
  from: number,
  count: number,
  { version = 'v2', select = columns, groupRows = 2048, fieldIds = 'time: 1' } = {},
) {
  const path = join(directory, `part-${(made += 1)}.parquet`)
  await connection.run(
    `copy (select ${select} from range(${from}, ${from + count}) r(i)) to '${path}'
       (format parquet, compression zstd, row_group_size ${groupRows}, parquet_version ${version}, field_ids {${fieldIds}})`,
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

test('a column that some of the files have not is null in their rows', async () => {
  const few = 'i as time, i % 2 = 0 as flag, i as more'
  const deep = `i as time, {a: {b: 'deep ' || i}, c: [[i], null, []]} as deep, ['y'] as tags, 'text ' || i as text`
  const parts = [
    await part(0, 5000),
    await part(5000, 700, { select: few }),
    await part(6000, 3000, { select: deep }),
    await part(9000, 5000),
  ]
  const { target, outcome } = joined(parts)
  expect(await outcome).toBe(statSync(target).size)
  const source = `read_parquet([${parts.map(({ path }) => `'${path}'`).join(', ')}], union_by_name = true)`
  const all = `select * from ${source} order by time`
  expect(await rowsOf(`select * from '${target}' order by time`)).toEqual(await rowsOf(all))
  const counts = ['count(amount)', 'count(flag)', 'count(more)', 'count(deep.a.b)', 'sum(len(tags))', 'max(price)']
  const asked = `select ${counts.join(', ')} from`
  expect(await rowsOf(`${asked} '${target}'`)).toEqual(await rowsOf(`${asked} ${source}`))
  for (const where of [`more = 5600`, `"user" = 'user 7'`, `amount is null`, `deep.a.b = 'deep 6001'`]) {
    const count = `where ${where}`
    expect(await rowsOf(`select count(*) from '${target}' ${count}`)).toEqual(
      await rowsOf(`select count(*) from ${source} ${count}`),
    )
  }
  const footer = await readFooter(target, statSync(target).size, async (from, to) =>
    readFileSync(target).subarray(from, to),
  )
  const nullsOf = (name: string) => footer.columns.find(({ path: [first] }) => first === name)?.nulls
  expect([nullsOf('time'), nullsOf('amount'), nullsOf('more')]).toEqual([0, 3700, 13_000])
  const sizes = `select sum(total_compressed_size) = any_value(row_group_compressed_bytes) as fits
    from parquet_metadata('${target}') group by row_group_id`
  expect(new Set((await rowsOf(sizes)).flat())).toEqual(new Set([true]))
})

test('files go together whose columns do, by name and by field id', async () => {
  const ids = { fieldIds: 'time: 1, amount: 2' }
  const sound = await part(0, 3000, ids)
  const other = (select: string, ownIds = 'time: 1') => part(0, 10, { select, fieldIds: ownIds })
  const fits = async (one: JoinedPart, two: JoinedPart) => {
    const [first, second] = await footersOf([one, two])
    return JoinedSchema.of([must(first, 'it has a footer'), must(second, 'it has one too')]) !== undefined
  }
  expect(await fits(sound, await part(7, 10, ids))).toBe(true)
  expect(await fits(sound, await other(`${columns}, i as more`, ids.fieldIds))).toBe(true)
  expect(await fits(sound, await other('i as time, i as more'))).toBe(true)
  expect(await fits(sound, await part(0, 10, { ...ids, version: 'v1' }))).toBe(false)
  expect(await fits(sound, await other(columns.replace('i as time', 'i::double as time'), ids.fieldIds))).toBe(false)
  expect(await fits(sound, await other('i as time, i as "AMOUNT"', 'time: 1, AMOUNT: 2'))).toBe(false)
  expect(await fits(sound, await other('i as time, i / 8.0 as cost', 'time: 1, cost: 2'))).toBe(false)
  expect(await fits(sound, await other('i as time, i / 8.0 as cost', 'time: 1, cost: 12'))).toBe(true)
  expect(await fits(sound, await other('i as more, i as time'))).toBe(false)
  const text = join(directory, 'text')
  writeFileSync(text, 'no Parquet')
  expect(await readPart(systemDisk, { path: text, crc32: 0 })).toBeUndefined()
})

/** A file of our own with numbers in columns of these names. */
const own = (names: readonly string[], required = ''): JoinedPart => {
  const valid = new Uint8Array(4).fill(1)
  const parquet = names.map((name): ParquetColumn => {
    const vector = { kind: 'int64', valid, values: new BigInt64Array(4) } as const
    const fieldId = name.codePointAt(0) ?? 0
    return { name, fieldId, annotation: { kind: 'none' }, inner: [], required: name === required, vector }
  })
  const { bytes } = writePlainParquet(parquet, 4, { version: 'v2', bounds: true })
  const path = join(directory, `own-${(made += 1)}.parquet`)
  writeFileSync(path, bytes)
  return { path, crc32: crc32(bytes) }
}
const schemaOf = async (...parts: readonly JoinedPart[]) => {
  const [first, ...others] = await footersOf(parts)
  return JoinedSchema.of([must(first, 'a part'), ...others])?.columns.map(({ name }) => name)
}

test('a column that is never null is one of all files that are joined', async () => {
  const both = own(['time', 'a'], 'a')
  expect(await schemaOf(own(['time', 'a', 'b'], 'a'), both)).toEqual(['time', 'a', 'b'])
  expect(await schemaOf(own(['time']), both)).toBeUndefined()
  expect(await schemaOf(both, own(['time']))).toBeUndefined()
})

test('columns are told apart as SQL tells them apart', async () => {
  const umlauts = own(['time', 'Ä', 'ä'])
  expect(await schemaOf(umlauts, own(['time', 'ä']), own(['time', 'b']))).toEqual(['time', 'Ä', 'ä', 'b'])
  expect(await schemaOf(own(['time', 'A']), own(['time', 'a']))).toBeUndefined()
  expect(await schemaOf(own(['time', 'a', 'A']))).toBeUndefined()
})

test('there are no more columns than whoever joins wants', async () => {
  const [wide, few] = await footersOf([own(['time', 'a', 'b', 'c']), own(['time', 'd'])])
  const schema = must(JoinedSchema.begin(must(wide, 'a part')), 'its columns go together')
  expect(schema.take(must(few, 'a part'), 4)).toBe(false)
  expect(schema.columns).toHaveLength(4)
  expect(schema.take(must(few, 'a part'), 5)).toBe(true)
  expect(schema.columns).toHaveLength(5)
})

test('a row group without all columns is of no file that is joined', async () => {
  const { path } = own(['time', 'a'])
  const bytes = readFileSync(path)
  // The list of the columns of the only row group: field 1 of a struct, two structs.
  const at = bytes.lastIndexOf(Buffer.of(0x19, 0x2c, 0x26))
  bytes[at + 1] = 0x1c
  writeFileSync(path, bytes)
  expect(await readPart(systemDisk, { path, crc32: crc32(bytes) })).toBeUndefined()
})

test('a long file is synced in parts while it is written', async () => {
  const select = 'i as time, hash(i) as noise, hash(i + 0.5) as more'
  const parts = [await part(0, 600_000, { select }), await part(600_000, 600_000, { select })]
  let [synced, written] = [0, 0]
  const leftMost: number[] = []
  const disk: Disk = {
    ...systemDisk,
    async open(path, mode) {
      const file = await systemDisk.open(path, mode)
      const counted = {
        async write(data: Uint8Array, offset: number) {
          written = Math.max(written, offset + data.byteLength)
          leftMost.push(written - synced)
          await file.write(data, offset)
        },
        async sync() {
          await file.sync()
          synced = written
        },
      }
      return new Proxy(file, {
        get: (of, name) => {
          const value: unknown = name === 'write' || name === 'sync' ? counted[name] : Reflect.get(of, name)
          return typeof value === 'function' ? value.bind(of) : value
        },
      })
    },
  }
  const bytes = await joinFiles(disk, await footersOf(parts), join(directory, `joined-${(made += 1)}.parquet`))
  expect(bytes).toBeGreaterThan(2 * 8 * 2 ** 20)
  expect(Math.max(...leftMost)).toBeLessThan(10 * 2 ** 20)
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
