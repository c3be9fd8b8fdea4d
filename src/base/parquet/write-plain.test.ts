import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  anyRow,
  bytesVector,
  column,
  columnsOf,
  doubleVector,
  int64Vector,
  mapVector,
  none,
  text,
} from './testing/any-columns.ts'
import type { ParquetColumn } from './vectors.ts'
import type { PlainParquetOptions } from './write-plain.ts'
import { writePlainParquet } from './write-plain.ts'

const directory = mkdtempSync(join(tmpdir(), 'write-plain-'))
let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create()).connect()
})

afterAll(() => {
  duckdb.closeSync()
  rmSync(directory, { recursive: true })
})

let files = 0

function write(columns: readonly ParquetColumn[], rows: number, options?: PlainParquetOptions) {
  const path = join(directory, `${files++}.parquet`)
  const file = writePlainParquet(columns, rows, options)
  writeFileSync(path, file.bytes)
  return { path, facts: file.columns }
}

async function select(query: string): Promise<unknown[][]> {
  return (await duckdb.runAndReadAll(query)).getRowsJS()
}

const read = (path: string): Promise<unknown[][]> => select(`select * from read_parquet('${path}')`)

describe('writePlainParquet', () => {
  it('writes files that DuckDB reads back to the same values, with any cut into groups and pages', async () => {
    const anyCut = fc.record({
      rowGroupRowsMax: fc.integer({ min: 1, max: 40 }),
      pageBytesMax: fc.integer({ min: 1, max: 200 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 60, size: 'max' }), anyCut, async (rows, cut) => {
        const { path } = write(columnsOf(rows), rows.length, cut)
        const found = await select(
          `select required, integer, double, flag, text, hex(blob), map, epoch_us(timestamp), date - date '1970-01-01',
                  (small * 100)::int, decimal::varchar from read_parquet('${path}')`,
        )
        const expected = rows.map((row) => [
          row.required,
          row.integer,
          row.double,
          row.flag,
          row.text,
          row.blob === null ? null : Buffer.from(row.blob).toString('hex').toUpperCase(),
          row.map === null ? null : row.map.map(([key, value]) => ({ key, value })),
          row.timestamp,
          row.date === null ? null : BigInt(row.date),
          row.small,
          row.decimal === null ? null : shiftedText(row.decimal, 10),
        ])
        expect(found).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('states bounds, nulls and field ids that DuckDB agrees with', async () => {
    const flat = columnsOf([]).filter(({ name }) => name !== 'map' && name !== 'blob')
    const aggregates = flat.map(({ name }) => `min(${name})::varchar, max(${name})::varchar, count(*) - count(${name})`)
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 30 }), async (rows) => {
        const { path, facts } = write(columnsOf(rows), rows.length, { rowGroupRowsMax: 7 })
        const [found] = await select(`select ${aggregates.join(', ')} from read_parquet('${path}')`)
        const stated = flat.flatMap(({ fieldId }) => {
          const fact = facts[fieldId]
          return [fact?.min ?? null, fact?.max ?? null, BigInt(fact?.nulls ?? -1)]
        })
        expect(stated).toEqual(found)
      }),
      { numRuns: 60 },
    )
  })

  it('puts bounds into the footer by which DuckDB skips nothing that it should find', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 30 }), fc.nat(), async (rows, pick) => {
        const { path } = write(columnsOf(rows), rows.length, { rowGroupRowsMax: 5 })
        const wanted = rows[pick % rows.length]?.required
        const [[found] = []] = await select(`select count(*) from read_parquet('${path}') where required = ${wanted}`)
        expect(found).toBe(BigInt(rows.filter((row) => row.required === wanted).length))
      }),
      { numRuns: 30 },
    )
  })

  it('shows names, field ids, types and annotations in the schema', async () => {
    const { path } = write(columnsOf([]), 0)
    const schema = await select(
      `select name, field_id, type, repetition_type, converted_type, logical_type from parquet_schema('${path}')`,
    )
    const timestamp =
      'TimestampType(isAdjustedToUTC=0, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))'
    expect(schema.slice(1)).toEqual([
      ['required', 1n, 'INT64', 'REQUIRED', null, null],
      ['integer', 2n, 'INT64', 'OPTIONAL', null, null],
      ['double', 3n, 'DOUBLE', 'OPTIONAL', null, null],
      ['flag', 4n, 'BOOLEAN', 'OPTIONAL', null, null],
      ['text', 5n, 'BYTE_ARRAY', 'OPTIONAL', 'UTF8', 'StringType()'],
      ['blob', 6n, 'BYTE_ARRAY', 'OPTIONAL', null, null],
      ['map', 7n, null, 'OPTIONAL', 'MAP', 'MapType()'],
      ['key_value', null, null, 'REPEATED', null, null],
      ['key', 8n, 'BYTE_ARRAY', 'REQUIRED', 'UTF8', 'StringType()'],
      ['value', 9n, 'BYTE_ARRAY', 'OPTIONAL', 'UTF8', 'StringType()'],
      ['timestamp', 10n, 'INT64', 'OPTIONAL', 'TIMESTAMP_MICROS', timestamp],
      ['date', 11n, 'INT32', 'OPTIONAL', 'DATE', 'DateType()'],
      ['small', 12n, 'INT32', 'OPTIONAL', 'DECIMAL', 'DecimalType(scale=2, precision=9)'],
      ['decimal', 13n, 'FIXED_LEN_BYTE_ARRAY', 'OPTIONAL', 'DECIMAL', 'DecimalType(scale=10, precision=38)'],
    ])
    expect(await read(path)).toEqual([])
    const [creator] = await select(`select created_by, num_rows from parquet_file_metadata('${path}')`)
    expect(creator).toEqual(['biwa', 0n])
  })

  it('cuts many rows into row groups and their values into pages', async () => {
    const rows = 300_001
    const numbers = Array.from({ length: rows }, (_, row) => BigInt(row))
    const names = numbers.map((number) => (number % 3n === 0n ? null : `name ${number}`))
    const { path, facts } = write(
      [column(1, 'time', int64Vector(numbers), none, true), column(2, 'name', bytesVector(names), text)],
      rows,
    )
    expect(await select(`select row_group_num_rows from parquet_metadata('${path}') where column_id = 0`)).toEqual([
      [122_880n],
      [122_880n],
      [54_241n],
    ])
    const [sums] = await select(
      `select count(*), sum(time)::bigint, count(name), bool_and(name = 'name ' || time) from read_parquet('${path}')`,
    )
    expect(sums).toEqual([300_001n, 45_000_150_000n, 200_000n, true])
    expect(facts[1]).toMatchObject({ min: '0', max: '300000', nulls: 0 })
    expect(facts[2]).toMatchObject({ min: 'name 1', max: 'name 99998', nulls: 100_001 })
  })

  it('leaves NaN out of the bounds, and signs zeros so that readers miss neither', async () => {
    const { path, facts } = write([column(1, 'd', doubleVector([Number.NaN, 0, -0, null]))], 4)
    expect(facts[1]).toMatchObject({ nulls: 1, min: '0.0', max: '0.0', nan: true })
    const bounds = await select(`select stats_min_value, stats_max_value from parquet_metadata('${path}')`)
    expect(bounds).toEqual([[null, null]])
    const { path: zeros } = write([column(1, 'd', doubleVector([0, -0, null]))], 3)
    expect(await select(`select stats_min_value, stats_max_value from parquet_metadata('${zeros}')`)).toEqual([
      ['-0.0', '0.0'],
    ])
    expect(await select(`select count(*) from read_parquet('${path}') where d = 0`)).toEqual([[2n]])
    const { facts: allNaN } = write([column(1, 'd', doubleVector([Number.NaN]))], 1)
    expect(Object.keys(allNaN[1] ?? {})).toEqual(['bytes', 'nulls', 'nan'])
    const { facts: none } = write([column(1, 'd', doubleVector([1.5, null]))], 2)
    expect(none[1]).toMatchObject({ min: '1.5', nan: false })
  })

  it('leaves long bounds out', async () => {
    const { path, facts } = write([column(1, 's', bytesVector(['x'.repeat(3_000_000), 'y']), text)], 2)
    expect(facts[1]).toMatchObject({ nulls: 0, max: 'y' })
    expect(facts[1]).not.toHaveProperty('min')
    expect(await select(`select strlen(s) from read_parquet('${path}')`)).toEqual([[3_000_000n], [1n]])
  })

  it('leaves all bounds out where they are not wanted', async () => {
    const { path, facts } = write([column(1, 'a', int64Vector([1n, 2n]))], 2, { bounds: false })
    expect(Object.keys(facts[1] ?? {})).toEqual(['bytes', 'nulls'])
    expect(await read(path)).toEqual([[1n], [2n]])
  })

  it('counts the bytes and nulls of columns as DuckDB finds them', async () => {
    const { path, facts } = write(columnsOf([]).slice(0, 1), 0)
    expect(facts[1]).toEqual({ bytes: 0, nulls: 0 })
    expect(await read(path)).toEqual([])
    const many = write(
      [column(1, 'a', int64Vector([1n, null, 3n])), column(2, 'm', mapVector([[['k', null]], [], null]))],
      3,
    )
    const sizes = await select(
      `select path_in_schema, total_compressed_size from parquet_metadata('${many.path}') order by column_id`,
    )
    expect(sizes.map(([name]) => name)).toEqual(['a', 'm, key_value, key', 'm, key_value, value'])
    const [a, key, value] = sizes.map(([, bytes]) => Number(bytes))
    expect(many.facts[1]?.bytes).toBe(a)
    expect(many.facts[2]).toEqual({ bytes: (key ?? 0) + (value ?? 0), nulls: 1 })
  })
})

function shiftedText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
