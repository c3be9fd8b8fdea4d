import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { readFooter } from '../../base/parquet/read-footer.ts'
import { assignFieldIds, fieldIdsClause, timeColumn } from '../columns.ts'
import type { Column, NewChunk } from '../store.ts'
import { parseType } from '../types.ts'
import { foreignChunk } from './foreign-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'foreign-file-'))
let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create()).connect()
})
afterAll(() => {
  duckdb.closeSync()
  rmSync(directory, { recursive: true })
})

const types = {
  n: 'bigint',
  share: 'double',
  price: 'decimal(10,2)',
  large: 'decimal(30,5)',
  text: 'varchar',
  raw: 'varbinary',
  day: 'date',
  at: 'timestamp',
  flag: 'boolean',
  tags: 'array(varchar)',
  place: 'row(x double,y bigint)',
}
const { columns: own } = assignFieldIds(
  Object.entries(types).map(([name, type]) => ({ name, type: parseType(type) })),
  6,
)
const columns: readonly Column[] = [timeColumn, ...own]

const select = `
  select (1700000000 + i * 60)::bigint as time, (i - 500)::bigint as n, (i - 3) / 8 as share,
         (i::decimal(10,2) - 20.25)::decimal(10,2) as price, (i * -1.5)::decimal(30,5) as large,
         case when i % 3 = 0 then 'text ' || i end as text, 'raw'::blob as raw, date '1969-12-30' + i::integer as day,
         timestamp '2024-02-29 12:30:00.25' + to_minutes(i) as at, i % 2 = 0 as flag, ['a', 'b' || i] as tags,
         {x: i / 2, y: i} as place`

let files = 0

async function written(query: string, more = ''): Promise<{ path: string; bytes: Buffer }> {
  const path = join(directory, `${(files += 1)}.parquet`)
  await duckdb.run(`copy (${query}) to '${path}' (format parquet, row_group_size 2048 ${more})`)
  return { path, bytes: readFileSync(path) }
}

async function chunkOf(
  bytes: Buffer,
  of: readonly Column[] = columns,
): Promise<Pick<NewChunk, 'timeRange' | 'rows' | 'statistics'>> {
  const footer = await readFooter('a.parquet', bytes.byteLength, async (from, to) => bytes.subarray(from, to))
  return foreignChunk('a.parquet', footer, of)
}

describe('a data file of another engine', () => {
  test('is known by its footer: rows, times, and the bounds of every column over all row groups', async () => {
    const { path, bytes } = await written(
      `${select} from range(5000) as t (i)`,
      `, field_ids ${fieldIdsClause(columns)}`,
    )
    const { timeRange, rows, statistics } = await chunkOf(bytes)
    expect({ timeRange, rows }).toEqual({ timeRange: { from: 1700000000, to: 1700299941 }, rows: 5000 })
    const scalars = own.filter(({ type }) => !['array', 'row', 'varbinary'].includes(type.kind))
    for (const { name, fieldId } of scalars) {
      const found = await duckdb.runAndReadAll(
        `select min("${name}")::varchar, max("${name}")::varchar, count(*) - count("${name}") from '${path}'`,
      )
      const [min, max, nulls] = found.getRowsJson()[0] ?? []
      expect(statistics[fieldId], name).toMatchObject({ min, max, nulls: Number(nulls) })
      expect(statistics[fieldId]?.bytes, name).toBeGreaterThan(0)
    }
  })

  test('keeps the statistics of what is inside of nested columns under their own ids', async () => {
    const { bytes } = await written(`${select} from range(10) as t (i)`, `, field_ids ${fieldIdsClause(columns)}`)
    const { statistics } = await chunkOf(bytes)
    const place = own.find((column) => column.name === 'place')?.fieldId ?? 0
    expect(statistics[place + 2]).toMatchObject({ min: '0', max: '9', nulls: 0 })
  })

  const ids = (named: string) => `, field_ids {${named}}`
  test.each([
    ['without field ids', 'select 1::bigint as time', '', 'its column "time" has no field id'],
    ['with a foreign id', 'select 1::bigint as time, 2 as x', ids('time: 1, x: 99'), '"x" has the field id 99'],
    ['without times', 'select 1::bigint as n', ids('n: 6'), 'it has no column "time"'],
    ['with a row without time', 'select nullif(i, 1) as time from range(3) as t (i)', ids('time: 1'), 'without a time'],
    ['with another type', `select 1::bigint as time, 'a' as n`, ids('time: 1, n: 6'), '"n" is no bigint'],
    [
      'with another scale',
      'select 1::bigint as time, 1.5::decimal(10,1) as p',
      ids('time: 1, p: 8'),
      '"p" is no decimal',
    ],
  ])('%s is refused', async (_what, query, more, reason) => {
    const { bytes } = await written(query, more)
    await expect(chunkOf(bytes)).rejects.toThrow(reason)
  })

  test('may have narrower numbers', async () => {
    const query = 'select 1::bigint as time, i::integer as n, i::float / 2 as share from range(5) as t (i)'
    const { bytes } = await written(query, ids('time: 1, n: 6, share: 7'))
    const { statistics } = await chunkOf(bytes)
    expect(statistics[6]).toMatchObject({ min: '0', max: '4' })
    expect(statistics[7]).toMatchObject({ min: '0.0', max: '2.0' })
  })

  test('that is none is refused', async () => {
    const { bytes } = await written('select 1::bigint as time', ids('time: 1'))
    await expect(chunkOf(Buffer.from('nothing like it, but long enough'))).rejects.toThrow('cannot be read as Parquet')
    await expect(chunkOf(bytes.subarray(0, -4))).rejects.toThrow('cannot be read as Parquet')
    const broken = Buffer.from(bytes)
    broken.fill(0xff, broken.byteLength - 60, broken.byteLength - 8)
    await expect(chunkOf(broken)).rejects.toMatchObject({ name: 'AppError' })
  })
})
