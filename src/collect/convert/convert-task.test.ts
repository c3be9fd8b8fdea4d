import { afterAll, describe, expect, it } from 'vitest'

import { systemDisk } from '../../base/disk.ts'
import type { Column } from '../../store/store.ts'
import { openConversions } from '../testing/run-conversion.ts'

const receivedAtUs = 1_700_000_000_250_000
const { folder, run, read, duck, parquetOf, remove } = openConversions(receivedAtUs)

afterAll(remove)

describe('conversion of records', () => {
  it('writes few rows itself, with their time, bounds and field ids', async () => {
    const result = await run([
      { content: '{"time":1700000005,"a":7}\n{"time":1700000001,"a":-3,"b":"x"}' },
      { content: '[{"time":"2023-11-14T22:13:30Z","b":"y"}]', format: 'json' },
    ])
    expect(result.fresh).toEqual(['a bigint', 'b varchar'])
    expect(result.files).toMatchObject([{ rows: 3, timeRange: { from: 1_700_000_001, to: 1_700_000_011 } }])
    expect(result.files[0]?.statistics).toMatchObject({
      1: { nulls: 0, min: '1700000001', max: '1700000010' },
      6: { nulls: 1, min: '-3', max: '7' },
      7: { nulls: 1, min: 'x', max: 'y' },
    })
    expect(result.bodies.map(({ rows, rejected }) => [rows, rejected])).toEqual([
      [2, 0],
      [1, 0],
    ])
    const field = await duck((query) =>
      query(`select name, field_id from parquet_schema('${result.files[0]?.path}') where field_id is not null`),
    )
    expect(field).toEqual([
      { name: 'time', field_id: '1' },
      { name: 'a', field_id: '6' },
      { name: 'b', field_id: '7' },
    ])
  })

  it('has DuckDB compress many rows, with every value as it came', async () => {
    const lines = Array.from(
      { length: 5000 },
      (_, n) => `{"time":${1_700_000_000 + (n % 60)},"n":${n},"Code":${n % 7},"code":"${n}"}`,
    )
    const result = await run([{ content: lines.join('\n') }])
    expect(result.files).toHaveLength(1)
    expect(result.files[0]).toMatchObject({ rows: 5000, timeRange: { from: 1_700_000_000, to: 1_700_000_060 } })
    expect(result.files[0]?.statistics[6]).toMatchObject({ nulls: 0, min: '0', max: '4999' })
    // `code` differs from `Code` by case alone: no column of its own, and nothing lost.
    expect(result.fresh).toEqual(['n bigint', 'Code bigint'])
    const [sums] = await read(
      result,
      `select sum(n)::bigint as n, sum("Code")::bigint as code,
      count(*) filter (_rescued['code'] = '"' || n || '"') as rescued from rows`,
    )
    expect(sums).toEqual({ n: String((4999 * 5000) / 2), code: '14995', rescued: '5000' })
  })

  it('sorts what spans hours, and splits it into files that do not overlap', async () => {
    const rows = 400_000
    const content = Buffer.from(
      Array.from({ length: rows }, (_, n) => `{"time":${1_700_000_000 + ((n * 7919) % 1_000_000)},"n":${n}}`).join(
        '\n',
      ),
    )
    const result = await run([{ content }])
    expect(result.files.length).toBeGreaterThanOrEqual(2)
    expect(result.files.reduce((sum, file) => sum + file.rows, 0)).toBe(rows)
    const ranges = result.files.map(({ timeRange }) => timeRange).toSorted((a, b) => a.from - b.from)
    for (const [index, range] of ranges.entries()) {
      const next = ranges[index + 1]
      if (next !== undefined) expect(next.from).toBeGreaterThanOrEqual(range.to - 1)
    }
    expect(await read(result, 'select sum(n)::bigint as n from rows')).toEqual([{ n: String((rows * (rows - 1)) / 2) }])
  })

  it('keeps records apart that cannot be read, and bodies that cannot be inflated', async () => {
    const result = await run([
      { content: 'not gzip', encoding: 'gzip' },
      { content: '{"a":1}\n{"a":' },
      { content: 'a,b\n1,2\n3\n4,5', format: 'csv' },
    ])
    expect(result.bodies.map(({ rows, rejected, error }) => [rows, rejected, error?.code])).toEqual([
      [0, 0, 'body_malformed'],
      [1, 1, undefined],
      [2, 1, undefined],
    ])
    expect(result.bodies[2]?.rejectedRows).toMatchObject([{ recordNumber: 1, byteOffset: 8, reason: 'csv_fields' }])
    expect(String(result.bodies[2]?.rejectedRows[0]?.raw)).toBe('3')
  })

  it('names records of CSV by their place in the CSV', async () => {
    const content = 'time,n\n1700000000,1\nnever,2\nx\n1700000001,3\n'
    const result = await run([{ content, format: 'csv' }])
    expect(result.bodies[0]).toMatchObject({ rows: 2, rejected: 2 })
    expect(
      result.bodies[0]?.rejectedRows.map(({ recordNumber, byteOffset, reason, raw }) => {
        return [recordNumber, byteOffset, reason, String(raw)]
      }),
    ).toEqual([
      [1, content.indexOf('never'), 'time', 'never,2'],
      [2, content.indexOf('x'), 'csv_fields', 'x'],
    ])
  })

  it('infers the types of CSV as those of JSON', async () => {
    const content = 'whole,zip,part,flag,mixed\n1,01234,1.5,true,1\n2,56789,2,false,x\n,,,,\n'
    const result = await run([{ content, format: 'csv' }])
    expect(result.fresh).toEqual(['whole bigint', 'zip varchar', 'part double', 'flag boolean', 'mixed varchar'])
    expect(await read(result, 'select whole, zip, part, flag, mixed from rows limit 2')).toEqual([
      { whole: '1', zip: '01234', part: 1.5, flag: true, mixed: '1' },
      { whole: '2', zip: '56789', part: 2, flag: false, mixed: 'x' },
    ])
  })

  it('writes a long rejected record to a file', async () => {
    const long = `{"a":"${'x'.repeat(100_000)}"`
    const { bodies } = await run([{ content: `${long}\n{"a":"y"}` }])
    const [row] = bodies[0]?.rejectedRows ?? []
    expect(row).toMatchObject({ rawBytes: long.length, reason: 'json_syntax' })
    expect(row?.raw.byteLength).toBe(65_536)
    expect(await systemDisk.size(row?.path ?? '')).toBe(long.length)
  })

  it('tells of very many rejected records only the first', async () => {
    const { bodies } = await run([{ content: 'broken\n'.repeat(5000) }])
    expect(bodies[0]).toMatchObject({ rows: 0, rejected: 5000 })
    expect(bodies[0]?.rejectedRows).toHaveLength(1000)
  })
})

describe('conversion of Parquet', () => {
  it('takes every type over exactly', async () => {
    const content =
      await parquetOf(`select 1700000000 as "time", 255::utinyint as small, 18446744073709551615::ubigint as big,
      1.5::float as real, 123.45::decimal(10,2) as money, 'x' as text, '\\x00\\xff'::blob as bytes, date '2024-02-29' as day,
      timestamp '2024-02-29 01:02:03.000456' as moment, timestamptz '2024-02-29 01:00:00+01' as zoned, [1,2] as list,
      {a: 1, 'b c': 'd'} as struct, map{'k': 2} as map, true as flag, time '10:11:12' as clock,
      '00000000-0000-0000-0000-000000000001'::uuid as id, null::int as nothing`)
    const result = await run([{ content, format: 'parquet' }])
    expect(result.fresh).toEqual([
      'small bigint',
      'big decimal(20,0)',
      'real double',
      'money decimal(10,2)',
      'text varchar',
      'bytes varbinary',
      'day date',
      'moment timestamp',
      'zoned timestamp',
      'list array(bigint)',
      'struct row(a bigint,"b c" varchar)',
      'map map(varchar,bigint)',
      'flag boolean',
      'clock varchar',
      'id varchar',
      'nothing bigint',
    ])
    const [row] = await read(result, 'select * from rows')
    expect(row).toEqual({
      time: '1700000000',
      small: '255',
      big: '18446744073709551615',
      real: 1.5,
      money: '123.45',
      text: 'x',
      bytes: '\\x00\\xFF',
      day: '2024-02-29',
      moment: '2024-02-29 01:02:03.000456',
      zoned: '2024-02-29 00:00:00',
      list: ['1', '2'],
      struct: { a: '1', 'b c': 'd' },
      map: [{ key: 'k', value: '2' }],
      flag: true,
      clock: '10:11:12',
      id: '00000000-0000-0000-0000-000000000001',
      nothing: null,
      time_us: null,
      _rescued: null,
    })
  })

  it('puts values into the columns there are, and rescues those that do not fit', async () => {
    const known: Column[] = [
      { fieldId: 6, name: 'n', type: { kind: 'bigint' } },
      { fieldId: 7, name: 't', type: { kind: 'varchar' } },
      { fieldId: 8, name: 'd', type: { kind: 'double' } },
    ]
    const content = await parquetOf(`select * from (values
      ('200', 5, 9007199254740993), ('abc', 6, 2), ('0200', null, 3), ('1.9', 7, null)) as v(n, t, d)`)
    const result = await run([{ content, format: 'parquet' }], known)
    expect(result.fresh).toEqual([])
    expect(await read(result, 'select n, t, d, _rescued from rows')).toEqual([
      { n: '200', t: '5', d: null, _rescued: [{ key: 'd', value: '9007199254740993' }] },
      { n: null, t: '6', d: 2, _rescued: [{ key: 'n', value: '"abc"' }] },
      { n: null, t: null, d: 3, _rescued: [{ key: 'n', value: '"0200"' }] },
      { n: null, t: '7', d: null, _rescued: [{ key: 'n', value: '"1.9"' }] },
    ])
  })

  it('takes no boolean for a number', async () => {
    const known: Column[] = [{ fieldId: 6, name: 'n', type: { kind: 'bigint' } }]
    const content = await parquetOf('select true as n')
    const result = await run([{ content, format: 'parquet' }], known)
    expect(await read(result, 'select n, _rescued from rows')).toEqual([
      { n: null, _rescued: [{ key: 'n', value: 'true' }] },
    ])
  })

  const moment = 1_700_000_000
  for (const [what, expression, micros] of [
    ['seconds', `${moment}`, 0],
    ['milliseconds', `${moment}123`, 123_000],
    ['nanoseconds', `${moment}123456789`, 123_456],
    ['a double', `${moment}.5::double`, 500_000],
    ['text', `'2023-11-14T22:13:20.25Z'`, 250_000],
    ['text of digits', `'${moment}'`, 0],
    ['a timestamp', `timestamp '2023-11-14 22:13:20.000001'`, 1],
    ['a timestamp with a zone', `timestamptz '2023-11-14 23:13:20+01'`, 0],
    ['a timestamp in nanoseconds', `timestamp_ns '2023-11-14 22:13:20.000001999'`, 1],
  ] as const) {
    it(`reads the time from ${what}`, async () => {
      const content = await parquetOf(`select ${expression} as at, 1 as n`)
      const result = await run([{ content, format: 'parquet', timeColumn: 'at' }])
      const expected = { time: String(moment), time_us: micros === 0 ? null : String(moment * 1e6 + micros) }
      expect(await read(result, 'select time, time_us from rows')).toEqual([expected])
      expect(result.files[0]?.timeRange).toEqual({ from: moment, to: moment + 1 })
    })
  }

  it('takes the time of receipt where there is none, and rejects what is none', async () => {
    const content = await parquetOf(`select * from (values ('2020-01-01', 1), (null, 2), ('soon', 3)) as v("time", n)`)
    const result = await run([{ content, format: 'parquet' }])
    expect(result.bodies[0]).toMatchObject({ rows: 2, rejected: 1 })
    expect(result.bodies[0]?.rejectedRows).toMatchObject([{ recordNumber: 2, reason: 'time', byteOffset: null }])
    expect(await read(result, 'select time, time_us, n from rows order by time')).toEqual([
      { time: '1577836800', time_us: null, n: '1' },
      { time: '1700000000', time_us: String(receivedAtUs), n: '2' },
    ])
  })

  it('refuses what is no Parquet, claims too much, or cannot be held', async () => {
    const rows = await parquetOf('select 1 as n from range(21000000)')
    const broken = await parquetOf(`select 'x' as a from range(1000)`)
    const interval = await parquetOf('select union_value(a := 1)::union(a int, b varchar)::varchar as a, 1 as "time"')
    const result = await run([
      { content: 'PAR1 or not', format: 'parquet' },
      { content: rows, format: 'parquet' },
      { content: Buffer.concat([broken.subarray(0, 40), broken.subarray(60)]), format: 'parquet' },
      { content: broken, format: 'parquet', timeColumn: 'when' },
      { content: interval, format: 'parquet' },
      { content: '', format: 'parquet' },
    ])
    expect(result.bodies.map(({ rows: kept, error }) => [kept, error?.code])).toEqual([
      [0, 'body_malformed'],
      [0, 'inflated_too_large'],
      [0, 'body_malformed'],
      [0, 'body_malformed'],
      [1, undefined],
      [0, undefined],
    ])
    expect(result.bodies[2]?.error?.message).not.toContain(folder)
  })

  it('lets hostile names be names', async () => {
    const name = `a"; drop view timed; -- ' ]`
    const content = await parquetOf(`select 1 as "${name.replaceAll('"', '""')}", 2 as "_rescued", 3 as "A", 4 as a`)
    const result = await run([{ content, format: 'parquet' }])
    expect(result.newColumns.map((column) => column.name)).toEqual([name, 'A', 'a_1'])
    const [row] = await read(result, 'select _rescued from rows')
    expect(row).toEqual({
      _rescued: [{ key: '_rescued', value: '2' }],
    })
  })
})
