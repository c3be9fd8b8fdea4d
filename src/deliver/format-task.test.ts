import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { BIGINT, DOUBLE, DuckDBInstance, INTEGER, VARCHAR } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { decodeMulti } from '@msgpack/msgpack'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { parseType } from '../store/types.ts'
import type { ResultFormat } from './deliver.ts'
import { formatHandler } from './format-task.ts'
import { writeStoredResult } from './testing/stored-parquet.ts'

const directory = mkdtempSync(join(tmpdir(), 'biwa-format-'))
let duckdb: DuckDBConnection
beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
})
afterAll(() => {
  duckdb.closeSync()
  rmSync(directory, { recursive: true, force: true })
})

const formatResult = formatHandler()
let files = 0
const newPath = (): string => join(directory, String(files++))

type Columns = readonly (readonly [name: string, type: string])[]

async function formatted(source: string, columns: Columns, format: ResultFormat, outputBytesMax = 1e9) {
  const path = newPath()
  const stored = columns.map(([name, type]) => ({ name, type: parseType(type) }))
  const input = { source, path, format, columns: stored, memoryBytes: 200e6, outputBytesMax }
  const output = await formatResult(input, { progress() {} })
  const bytes = readFileSync(path)
  expect(output.bytes).toBe(bytes.byteLength)
  return { ...output, path, bytes }
}

async function stored(select: string): Promise<string> {
  const path = newPath()
  await writeStoredResult(path, select)
  return path
}

/** Reads JSON with its numerals as text behind a #, so that no digit is lost. */
function parseExactly(json: string): unknown {
  const quoted = json.replaceAll(
    /("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g,
    (_, text: string | undefined, numeral: string) => text ?? `"#${numeral}"`,
  )
  return JSON.parse(quoted)
}

interface Row {
  readonly whole: bigint | null
  readonly decimal: bigint | null
  readonly text: string | null
  readonly double: number | null
}

const columns: Columns = [
  ['whole', 'bigint'],
  ['decimal', 'decimal(38,10)'],
  ['text', 'varchar'],
  ['double', 'double'],
]

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', ',', '\t', '\r', '\n', ' ', 'a', '湖', '\\', '#', "'") }),
)
const row: fc.Arbitrary<Row> = fc.record({
  whole: fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  decimal: fc.option(fc.bigInt(-(10n ** 38n) + 1n, 10n ** 38n - 1n)),
  // Readers of CSV take NUL for the end of everything.
  text: fc.option(text.map((value) => value.replaceAll('\0', ''))),
  double: fc.option(fc.double()),
})

function decimalText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(11, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`
}

async function storedRows(rows: readonly Row[]): Promise<string> {
  const [path, input] = [newPath(), newPath()]
  await duckdb.run(
    'create or replace table t (whole bigint, "decimal" decimal(38, 10), text varchar, "double" double, n integer)',
  )
  const insert = await duckdb.prepare(
    'insert into t values ($whole, cast($decimal as decimal(38, 10)), $text, $double, $n)',
  )
  for (const [n, { whole, decimal, text: words, double }] of rows.entries()) {
    insert.bind(
      { whole, decimal: decimal === null ? null : decimalText(decimal), text: words, double, n },
      { whole: BIGINT, decimal: VARCHAR, text: VARCHAR, double: DOUBLE, n: INTEGER },
    )
    await insert.run()
  }
  await duckdb.run(`copy (select * from t order by n) to '${input}' (format parquet)`)
  await writeStoredResult(path, `select whole, "decimal", text, "double" from read_parquet('${input}')`)
  return path
}

const doubleText = (value: number): string => (Object.is(value, -0) ? '-0.0' : String(value))
const jsonDouble = (value: number): string => (Number.isFinite(value) ? `#${doubleText(value)}` : String(value))

describe('any rows', () => {
  const rows = fc.array(row, { maxLength: 12 })
  const check = (body: (rows: readonly Row[], source: string) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(rows, async (given) => body(given, await storedRows(given))),
      { numRuns: 25 },
    )

  it('are in json and ndjson to the digit', () =>
    check(async (given, source) => {
      const expected = given.map(({ whole, decimal, text: words, double }) => [
        whole === null ? null : `#${whole}`,
        decimal === null ? null : `#${decimalText(decimal)}`,
        words,
        double === null ? null : jsonDouble(double),
      ])
      const json = await formatted(source, columns, 'json')
      expect(parseExactly(json.bytes.toString())).toEqual({
        columns: columns.map(([name, type]) => ({ name, type })),
        rows: expected,
      })
      expect(json.rows).toBe(given.length)

      const ndjson = await formatted(source, columns, 'ndjson')
      const lines = ndjson.bytes.toString().split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.map(parseExactly)).toEqual(
        expected.map((values) => Object.fromEntries(columns.map(([name], index) => [name, values[index]]))),
      )
    }))

  it.each([
    ['csv', ',', String.raw`\r\n`],
    ['tsv', String.raw`\t`, String.raw`\n`],
  ] as const)('are in %s as DuckDB reads it', (format, delimiter, lineEnd) =>
    check(async (given, source) => {
      const { path } = await formatted(source, columns, format)
      const read = await duckdb.runAndReadAll(
        `select * from read_csv('${path}', auto_detect = false, header = true, delim = e'${delimiter}', quote = '"',
           escape = '"', new_line = '${lineEnd}', allow_quoted_nulls = false, nullstr = '',
           columns = {'whole': 'VARCHAR', 'decimal': 'VARCHAR', 'text': 'VARCHAR', 'double': 'VARCHAR'})`,
      )
      expect(read.getRows()).toEqual(
        given.map(({ whole, decimal, text: words, double }) => [
          whole === null ? null : String(whole),
          decimal === null ? null : decimalText(decimal),
          words,
          double === null ? null : doubleText(double),
        ]),
      )
    }),
  )

  it('are in msgpack and msgpack.gz', () =>
    check(async (given, source) => {
      const { bytes } = await formatted(source, columns, 'msgpack')
      const decoded = [...decodeMulti(bytes, { useBigInt64: true })] as unknown[][]
      const whole = (value: unknown) => (typeof value === 'number' ? BigInt(value) : value)
      expect(decoded.map(([first, ...rest]) => [whole(first), ...rest])).toEqual(
        given.map((each) => [
          each.whole,
          each.decimal === null ? null : decimalText(each.decimal),
          each.text,
          each.double,
        ]),
      )
      const zipped = await formatted(source, columns, 'msgpack.gz')
      expect(gunzipSync(zipped.bytes)).toEqual(bytes)
    }))

  it('are in parquet under their names', () =>
    check(async (given, source) => {
      const { path, rows: count } = await formatted(source, columns, 'parquet')
      expect(count).toBe(given.length)
      const read = await duckdb.runAndReadAll(
        `select whole, "decimal"::varchar as d, text, "double" from read_parquet('${path}')`,
      )
      expect(read.getRows()).toEqual(
        given.map((each) => [
          each.whole,
          each.decimal === null ? null : decimalText(each.decimal),
          each.text,
          each.double,
        ]),
      )
    }))
})

describe('the other types', () => {
  const select = `select
    true as c0,
    timestamp '2024-02-03 04:05:06.700001' as c1,
    date '0044-03-15 (BC)' as c2,
    '\\xFF\\x00a'::blob as c3,
    '{"a" : [1, 12345678901234567890.10 ],  "b c": "x  y\\" z"}' as c4,
    [1.50::decimal(4, 2), null] as c5,
    map {'k': 9223372036854775807, 'n': null} as c6,
    map {7: 'seven'} as c7,
    {'2': 'first', '1': [{'deep': -0.0::double}]} as c8,
    '' as c9,
    null::varchar as c10`
  const types: Columns = [
    ['yes', 'boolean'],
    ['at', 'timestamp'],
    ['day', 'date'],
    ['bytes', 'varbinary'],
    ['raw', 'json'],
    ['list', 'array(decimal(4,2))'],
    ['map', 'map(varchar,bigint)'],
    ['by number', 'map(bigint,varchar)'],
    ['nested', 'row("2" varchar,"1" array(row(deep double)))'],
    ['empty', 'varchar'],
    ['none', 'varchar'],
  ]

  it('in ndjson', async () => {
    const { bytes } = await formatted(await stored(select), types, 'ndjson')
    expect(bytes.toString()).toBe(
      '{"yes":true,"at":"2024-02-03 04:05:06.700001","day":"0044-03-15 (BC)","bytes":"/wBh",' +
        '"raw":{"a":[1,12345678901234567890.10],"b c":"x  y\\" z"},"list":[1.50,null],' +
        '"map":{"k":9223372036854775807,"n":null},"by number":{"7":"seven"},' +
        '"nested":{"2":"first","1":[{"deep":-0.0}]},"empty":"","none":null}\n',
    )
  })

  it('in csv', async () => {
    const { bytes } = await formatted(await stored(select), types, 'csv')
    expect(bytes.toString()).toBe(
      'yes,at,day,bytes,raw,list,map,by number,nested,empty,none\r\n' +
        'true,2024-02-03 04:05:06.700001,0044-03-15 (BC),/wBh,' +
        '"{""a"" : [1, 12345678901234567890.10 ],  ""b c"": ""x  y\\"" z""}","[1.50,null]",' +
        '"{""k"":9223372036854775807,""n"":null}","{""7"":""seven""}",' +
        '"{""2"":""first"",""1"":[{""deep"":-0.0}]}","",\r\n',
    )
  })

  it('in msgpack', async () => {
    const { bytes } = await formatted(await stored(select), types.slice(0, 9), 'msgpack')
    const [values] = [...decodeMulti(bytes, { useBigInt64: true })] as unknown[][]
    expect(values).toEqual([
      true,
      '2024-02-03 04:05:06.700001',
      '0044-03-15 (BC)',
      Buffer.of(0xff, 0, 0x61),
      '{"a" : [1, 12345678901234567890.10 ],  "b c": "x  y\\" z"}',
      ['1.50', null],
      { k: 9223372036854775807n, n: null },
      { 7: 'seven' },
      { 2: 'first', 1: [{ deep: -0 }] },
    ])
  })
})

describe('names', () => {
  const columnsOfThree: Columns = [
    ['n', 'bigint'],
    ['N', 'bigint'],
    ['n_1', 'bigint'],
  ]

  it('may repeat in json and csv, and are made different in ndjson and parquet', async () => {
    const source = await stored('select 1::bigint, 2::bigint, 3::bigint')
    const json = await formatted(source, columnsOfThree, 'json')
    expect(JSON.parse(json.bytes.toString())).toMatchObject({ rows: [[1, 2, 3]] })
    const csv = await formatted(source, columnsOfThree, 'csv')
    expect(csv.bytes.toString()).toBe('n,N,n_1\r\n1,2,3\r\n')
    const ndjson = await formatted(source, columnsOfThree, 'ndjson')
    expect(ndjson.bytes.toString()).toBe('{"n":1,"N_2":2,"n_1":3}\n')
    const parquet = await formatted(source, columnsOfThree, 'parquet')
    const read = await duckdb.runAndReadAll(`select * from read_parquet('${parquet.path}')`)
    expect(read.columnNames()).toEqual(['n', 'N_2', 'n_1'])
  })
})

describe('limits', () => {
  it('keep the order of many rows, and an empty result a valid one', async () => {
    const many = await stored('select i::bigint from range(300000) r(i)')
    const { bytes, rows } = await formatted(many, [['i', 'bigint']], 'tsv')
    expect(rows).toBe(300_000)
    expect(bytes.toString()).toBe(`i\n${Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join('')}`)
    const none = await stored('select 1::bigint where false')
    expect((await formatted(none, [['i', 'bigint']], 'json')).bytes.toString()).toBe(
      '{"columns":[{"name":"i","type":"bigint"}],"rows":[\n]}\n',
    )
  })

  it.each(['csv', 'parquet', 'msgpack.gz'] as const)('end a %s that grows too large', async (format) => {
    const many = await stored('select hash(i)::varchar from range(100000) r(i)')
    await expect(formatted(many, [['h', 'varchar']], format, 100_000)).rejects.toMatchObject({
      code: 'query_disk_exceeded',
    })
  })
})
