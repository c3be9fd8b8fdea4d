import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { systemClock } from '../../../base/clock.ts'
import { parquetVersionDefault } from '../../../base/parquet/version.ts'
import type { QueryColumn } from '../../../store/columns.ts'
import { fieldIdsClause, queryColumns } from '../../../store/columns.ts'
import type { Column } from '../../../store/store.ts'
import { duckdbFileType, formatType, parseType, quotedName } from '../../../store/types.ts'
import { planQuery } from '../../planning/plan.ts'
import { executeInWindow } from './execute-in-window.ts'
import { executeQuery } from './execute.ts'
import { withSession } from '../../../base/duckdb/session.ts'
import { PlanningSessions } from './planning-sessions.ts'
import type { ExecuteInput } from './tasks.ts'
import { Windows } from './windows.ts'

const tools = {
  clock: systemClock,
  parquetVersion: parquetVersionDefault,
  formatRows: async (format: string, columns: readonly unknown[], rows: readonly unknown[]) =>
    Buffer.from(`${format} of ${columns.length} columns and ${rows.length} rows`),
}

let folder: string
let bare: DuckDBConnection

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'biwa-execute-'))
  bare = await (await DuckDBInstance.create()).connect()
})
afterAll(async () => {
  bare.closeSync()
  await rm(folder, { recursive: true, force: true })
})

const sessions = new PlanningSessions()
const windows = new Windows()
const moment = { nowUs: 1_800_000_000_123_456, scheduledSeconds: 1_700_000_000 }

let files = 0
const newPath = () => join(folder, `${(files += 1)}.parquet`)

async function run(sql: string, tables: ExecuteInput['tables'] = [], more: Partial<ExecuteInput> = {}) {
  const text = { sql, whole: sql, offset: 0, database: 'web', ...moment }
  const plan = await planQuery({ ...text, tables, explain: false }, sessions)
  const path = newPath()
  const input: ExecuteInput = {
    ...text,
    tables,
    references: [],
    sizes: [],
    projection: plan.columns.map(({ type }, index) => ({
      expression: `cast(c${index} as ${duckdbFileType(type)})`,
      name: `c${index}`,
    })),
    columnCount: plan.columns.length,
    fieldIds: null,
    fileBytes: null,
    path,
    spillDirectory: join(folder, 'spill'),
    limits: { memoryBytes: 300e6, temporaryBytes: 1e9, threads: 2 },
    small: null,
    kept: { owner: '1/1', windows: join(folder, 'windows') },
    ...more,
  }
  const context = { progress: () => {} }
  const execution = await executeQuery(input, withSession, context, tools)
  const physical = await bare.runAndReadAll(`describe select * from read_parquet('${path}')`)
  const values = await answerAt(path)
  // In an instance that served the queries before, it is the same.
  expect(await executeInWindow(input, windows, context, tools)).toEqual(execution)
  expect(await answerAt(path)).toEqual(values)
  // And where it comes back by itself, with the types that DuckDB gives it.
  const columns = plan.columns.map(({ name, type }) => ({ name, type }))
  const small = await executeInWindow({ ...input, small: { columns, format: 'text' } }, windows, context, tools)
  if (small?.small !== undefined) {
    const { bytes, ready } = small.small
    await writeFile(path, bytes)
    expect(await answerAt(path)).toEqual(values)
    const again = await bare.runAndReadAll(`describe select * from read_parquet('${path}')`)
    expect(again.getRowsJson()).toEqual(physical.getRowsJson())
    expect(Buffer.from(bytes).subarray(ready?.from, ready?.to).toString()).toBe(
      `text of ${columns.length} columns and ${execution.rows} rows`,
    )
    expect(small).toMatchObject({ rows: execution.rows, bytes: bytes.byteLength, files: [] })
  }
  return {
    ...execution,
    cameBack: small?.small !== undefined,
    types: plan.columns.map(({ type }) => formatType(type)),
    physical: physical.getRowsJson().map((row) => row[1]),
    values,
  }
}

async function answerAt(path: string) {
  return (await bare.runAndReadAll(`select * from read_parquet('${path}')`)).getRowsJson()
}

describe('every type of DuckDB keeps its values', () => {
  test.each([
    ['9223372036854775807::bigint', 'bigint', '9223372036854775807'],
    ['(-9223372036854775807 - 1)::bigint', 'bigint', '-9223372036854775808'],
    ['1', 'bigint', '1'],
    ['200::utinyint', 'bigint', '200'],
    ['4294967295::uinteger', 'bigint', '4294967295'],
    ['18446744073709551615::ubigint', 'decimal(20,0)', '18446744073709551615'],
    ['sum(9223372036854775807) over (rows 1 preceding)', 'decimal(38,0)', '9223372036854775807'],
    ['99999999999999999999999999999999999999::hugeint', 'decimal(38,0)', '99999999999999999999999999999999999999'],
    [
      '123456789012345678901234567890.12345678::decimal(38,8)',
      'decimal(38,8)',
      '123456789012345678901234567890.12345678',
    ],
    ['0.1::double', 'double', 0.1],
    ['0.5::float', 'double', 0.5],
    ['true', 'boolean', true],
    [`'ü'`, 'varchar', 'ü'],
    [`'\\x00\\xFF'::blob`, 'varbinary', String.raw`\x00\xFF`],
    [`date '0001-01-01'`, 'date', '0001-01-01'],
    [`timestamp '2020-01-01 00:00:00.123456'`, 'timestamp', '2020-01-01 00:00:00.123456'],
    [`timestamp_s '2020-01-01 00:00:01'`, 'timestamp', '2020-01-01 00:00:01'],
    [`timestamp_ms '2020-01-01 00:00:00.123'`, 'timestamp', '2020-01-01 00:00:00.123'],
    [`timestamp_ns '2020-01-01 00:00:00.123456789'`, 'varchar', '2020-01-01 00:00:00.123456789'],
    [`timestamptz '2020-01-01 09:00:00+09'`, 'timestamp', '2020-01-01 00:00:00'],
    [`time '10:00:00.5'`, 'varchar', '10:00:00.5'],
    [`interval 1 day`, 'varchar', '1 day'],
    [`'5c7c7f2e-0000-4000-8000-000000000000'::uuid`, 'varchar', '5c7c7f2e-0000-4000-8000-000000000000'],
    [`'a'::enum('a', 'b')`, 'varchar', 'a'],
    [`'101'::bit`, 'varchar', '101'],
    [`3::bignum`, 'varchar', '3'],
    [`'{"a":1.10}'::json`, 'json', '{"a":1.10}'],
    ['[1, null]::hugeint[]', 'array(decimal(38,0))', ['1', null]],
    ['[1, 2]::int[2]', 'array(bigint)', ['1', '2']],
    [`map{'a': 1}`, 'map(varchar,bigint)', [{ key: 'a', value: '1' }]],
    [`{a: 1, b: {c: date '2020-01-01'}}`, 'row(a bigint,b row(c date))', { a: '1', b: { c: '2020-01-01' } }],
    ['row(1, true)', 'row(f1 bigint,f2 boolean)', { f1: '1', f2: true }],
    ['null', 'bigint', null],
  ])('%s is %s', async (expression, type, value) => {
    const { types, values, physical } = await run(`select ${expression}`)
    expect(types).toEqual([type])
    expect(values).toEqual([[value]])
    expect(physical[0]).toBe(duckdbFileType(parseType(type)).replaceAll('"', ''))
  })

  test('a sum beyond 38 digits fails instead of losing some', async () => {
    await expect(run('select 170141183460469231731687303715884105727::hugeint')).rejects.toMatchObject({
      code: 'query_data',
    })
  })
})

describe('tables', () => {
  const column = (fieldId: number, name: string, type: string): Column => ({ fieldId, name, type: parseType(type) })
  const time = column(1, 'time', 'bigint')

  async function file(columns: readonly Column[], select: string): Promise<string> {
    const path = newPath()
    const items = columns.map((of) => `${quotedName(of.name)}::${duckdbFileType(of.type)} as ${quotedName(of.name)}`)
    await bare.run(
      `copy (select ${items.join(', ')} from (${select})) to '${path}' (format parquet, field_ids ${fieldIdsClause(columns)})`,
    )
    return path
  }

  const table = (columns: readonly Column[], paths: readonly string[], name = 't') => {
    const known: readonly QueryColumn[] = queryColumns(columns)
    return { database: 'web', name, columns: known, scans: paths.length === 0 ? [] : [{ changes: [], files: paths }] }
  }

  test('have the columns of their field ids, whatever a file calls them and whether it has them', async () => {
    const first = await file([time, column(6, 'old name', 'bigint')], 'select 1 as time, 10 as "old name"')
    const second = await file(
      [column(7, 'tags', 'map(varchar,varchar)'), time],
      `select 2 as time, map{'a':'b'} as tags`,
    )
    const columns = [
      time,
      column(6, 'new', 'bigint'),
      column(7, 'tags', 'map(varchar,varchar)'),
      column(10, 'j', 'json'),
    ]
    const { values } = await run(`select time, "new", tags['a'], j from t order by 1`, [
      table(columns, [first, second]),
    ])
    expect(values).toEqual([
      ['1', '10', null, null],
      ['2', null, 'b', null],
    ])
  })

  test('of one large file have its rows, and no others', async () => {
    const columns = [time, column(6, 'h', 'varchar')]
    const path = await file(columns, 'select i as time, hash(i)::varchar as h from range(300000) r(i)')
    expect((await stat(path)).size).toBeGreaterThan(2e6)
    const { values } = await run('select count(*), count(h), sum(time), max(time) from t', [table(columns, [path])])
    expect(values).toEqual([['300000', '300000', '44999850000', '299999']])
  })

  test('without files are empty, and have their types', async () => {
    const columns = [time, column(6, 'r', 'row(a bigint,"b c" json)')]
    const { rows, types } = await run('select *, count(*) over () from t', [table(columns, [])])
    expect(rows).toBe(0)
    expect(types).toEqual(['bigint', 'row(a bigint,"b c" json)', 'bigint'])
  })

  test('tell Code from code', async () => {
    const columns = [time, column(6, 'code', 'bigint'), column(7, 'Code', 'varchar')]
    const path = await file(columns, `select 1 as time, 5 as code, 'x' as "Code"`).catch(() => undefined)
    // DuckDB cannot write such a file itself, and reads those that others wrote.
    const { types } = await run('select * from t', [table(columns, path === undefined ? [] : [path])])
    expect(types).toEqual(['bigint', 'bigint', 'varchar'])
  })

  test('can have the quotes and the words of SQL in their names', async () => {
    const columns = [time, column(6, `a"b'c`, 'bigint'), column(7, 'select', 'bigint')]
    const path = await file(columns, `select 1 as time, 2 as "a""b'c", 3 as "select"`)
    const { values } = await run(`select "a""b'c", "select" from "order"`, [table(columns, [path], 'order')])
    expect(values).toEqual([['2', '3']])
  })
})

describe('the moment of a query', () => {
  test('is one in all its names', async () => {
    const { values } = await run(
      `select now(), current_timestamp, current_date, today(), localtimestamp, current_time::varchar, localtime::varchar, transaction_timestamp()`,
    )
    const at = '2027-01-15 08:00:00.123456'
    expect(values).toEqual([[at, at, '2027-01-15', '2027-01-15', at, '08:00:00.123456+00', '08:00:00.123456', at]])
  })

  test('serves the functions of Treasure Data', async () => {
    const { values } = await run(
      `select td_scheduled_time(), td_time_parse('2020-01-01'), td_time_parse('2020-01-01', 'Asia/Tokyo'),
              td_date_trunc('day', 1577923199), td_date_trunc('hour', 1577923199, 'Asia/Kolkata'),
              td_time_range(5, 1), td_time_range(5, null, 5), td_time_range(1577836800, '2020-01-01', '2020-01-02'),
              td_time_range(1577836799, '2020-01-01T09:00:00', null, 'Asia/Tokyo')`,
    )
    expect(values).toEqual([
      ['1700000000', '1577836800', '1577804400', '1577836800', '1577921400', true, false, true, false],
    ])
  })
})

test('an answer of many bytes becomes several files, all of it and nothing twice', async () => {
  const directory = `${newPath()}.parts`
  await mkdir(directory)
  const big = 'select i, hash(i) as h from range(2000000) r(i)'
  const input = {
    projection: [
      { expression: 'c0', name: 'i' },
      { expression: 'c1::varchar', name: 'h' },
    ],
    columnCount: 2,
  }
  const execution = await executeQuery(
    {
      ...moment,
      ...input,
      sql: big,
      whole: big,
      offset: 0,
      database: null,
      tables: [],
      references: [],
      sizes: [],
      fieldIds: null,
      path: directory,
      fileBytes: 5e6,
      spillDirectory: join(folder, 'spill'),
      limits: { memoryBytes: 300e6, temporaryBytes: 1e9, threads: 2 },
      small: null,
      kept: null,
    },
    withSession,
    { progress: () => {} },
    tools,
  )
  expect(execution.files.length).toBeGreaterThan(1)
  expect(execution.rows).toBe(2_000_000)
  const paths = execution.files.map(({ path }) => `'${path}'`).join(', ')
  const read = await bare.runAndReadAll(`select count(*), count(distinct i), max(i) from read_parquet([${paths}])`)
  expect(read.getRowsJson()).toEqual([['2000000', '2000000', '1999999']])
})

describe('an answer comes back by itself', () => {
  test.each([
    [
      'scalars of all kinds, with nulls',
      `select * from (values
        (true, 1, -9223372036854775808, 1.5::double, 'ä', 'x'::blob, date '0044-03-15 (BC)', timestamp '1969-12-31 23:59:59.9', '-1.25'::decimal(10, 2), '-99999999999999999999999999999999999999'::decimal(38, 0), '{"a": 1}'::json),
        (null, null, null, null, null, null, null, null, null, null, null)) t, (select sum(i) from range(3) r(i))`,
    ],
    ['no rows', `select 1::bigint, 'x' where false`],
    ['ten thousand rows', 'select i, i::varchar from range(10000) r(i)'],
    [
      'infinite times, zero below zero and no number',
      `select 'infinity'::date, '-infinity'::timestamp, -0.0::double, 'nan'::double`,
    ],
  ])('with %s', async (_, sql) => {
    expect(await run(sql)).toMatchObject({ cameBack: true })
  })

  test.each([
    ['many rows', 'select i from range(10001) r(i)'],
    ['many values', `select ${Array.from({ length: 100 }, (_, i) => `i + ${i}`).join(', ')} from range(5001) r(i)`],
    ['many columns', `select ${Array.from({ length: 201 }, (_, i) => i).join(', ')}`],
    ['long texts', `select repeat('x', 1000001)`],
    ['a text that is too long for so many rows to have one', `select repeat('x', 6401)`],
    ['many bytes', `select repeat('x', 1000)::blob from range(1001)`],
    ['values inside of values', 'select [1, 2], 1'],
    ['a byte order mark, which the reader of texts drops', `select chr(65279) || 'x'`],
  ])('but not with %s', async (_, sql) => {
    expect(await run(sql)).toMatchObject({ cameBack: false })
  })
})

describe('what cannot be done in a kept instance is left to a fresh one', () => {
  const limits = { memoryBytes: 60e6, temporaryBytes: 1e9, threads: 2 }
  const input = (sql: string): ExecuteInput => ({
    ...moment,
    sql,
    whole: sql,
    offset: 0,
    database: null,
    tables: [],
    references: [],
    sizes: [],
    fieldIds: null,
    fileBytes: null,
    columnCount: 1,
    projection: [{ expression: 'c0', name: 'c0' }],
    path: newPath(),
    spillDirectory: join(folder, 'spill'),
    limits,
    small: null,
    kept: { owner: '1/1', windows: join(folder, 'windows') },
  })
  const context = { progress: () => {} }

  test('a query that spills', async () => {
    const spilling = input('select hash(i)::varchar from range(1500000) r(i) order by 1')
    expect(await executeInWindow(spilling, windows, context, tools)).toBeUndefined()
    expect(await executeQuery(spilling, withSession, context, tools)).toMatchObject({ rows: 1_500_000 })
  })

  test('an error, which is told from there', async () => {
    const failing = input(`select (i || 'x')::bigint from range(3) r(i)`)
    expect(await executeInWindow(failing, windows, context, tools)).toBeUndefined()
    await expect(executeQuery(failing, withSession, context, tools)).rejects.toMatchObject({ code: 'query_data' })
  })

  test('files that are not there', async () => {
    const columns = queryColumns([{ fieldId: 1, name: 'time', type: parseType('bigint') }])
    const scans = [{ changes: [], files: [join(folder, 'gone.parquet')] }]
    const missing = { ...input('select time from web.t'), tables: [{ database: 'web', name: 't', columns, scans }] }
    expect(await executeInWindow(missing, windows, context, tools)).toBeUndefined()
  })
})

describe('the sandbox holds without the gate', () => {
  test.each([
    `select * from read_text('/etc/passwd')`,
    `select * from glob('/etc/*')`,
    `select * from '/etc/hostname'`,
    `select * from read_csv('/etc/passwd')`,
  ])('%s', async (sql) => {
    const input = { projection: [{ expression: 'c0', name: 'c0' }], columnCount: 1 }
    const text = { sql, whole: sql, offset: 0, database: null, ...moment, tables: [], fieldIds: null }
    const limits = { memoryBytes: 300e6, temporaryBytes: 1e9, threads: 1 }
    const run_ = executeQuery(
      {
        ...text,
        ...input,
        references: [],
        sizes: [],
        fileBytes: null,
        path: newPath(),
        spillDirectory: join(folder, 'spill'),
        limits,
        small: null,
        kept: null,
      },
      withSession,
      { progress: () => {} },
      tools,
    )
    await expect(run_).rejects.toMatchObject({
      code: expect.stringMatching(/^(statement_not_allowed|table_not_found|query_)/),
    })
  })
})
