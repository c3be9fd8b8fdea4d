import { afterAll, describe, expect, it } from 'vitest'

import type { Column } from '../../store/store.ts'
import { openConversions } from '../testing/run-conversion.ts'

const { run, read, duck, remove } = openConversions(1_700_000_000_000_000)

afterAll(remove)

describe('tables of many columns', () => {
  const width = 1999
  const records = 9000
  const perRecord = 12

  it('take records of a few keys each, in memory that does not grow with rows times columns', async () => {
    const lines: string[] = []
    for (let index = 0; index < records; index += 1) {
      const fields = Array.from({ length: perRecord }, (_, key) => `"c${(index * 7 + key * 166) % width}":${index}`)
      lines.push(`{"time":${1_700_000_000 + (index % 100)},${fields.join(',')}}`)
    }
    const result = await run([{ content: lines.join('\n') }])
    expect(result.fresh.length).toBe(width)
    const [{ rows, bytes } = { rows: 0, bytes: 0 }] = result.files
    expect(rows).toBe(records)
    expect(bytes).toBeLessThan(4e6)
    const values = Object.values(result.files[0]?.statistics ?? {}).reduce((sum, { nulls }) => sum + rows - nulls, 0)
    expect(values).toBe(records * (perRecord + 1))
    const sums = await read(result, 'select sum(c0)::bigint as a, count(c5) as b, min(c1998) as c from rows')
    const indexes = (column: number) => {
      return Array.from({ length: records }, (_, index) => index).filter((index) => {
        return Array.from({ length: perRecord }, (_, key) => (index * 7 + key * 166) % width).includes(column)
      })
    }
    const sum = indexes(0).reduce((total, index) => total + index, 0)
    expect(sums).toEqual([{ a: String(sum), b: String(indexes(5).length), c: String(Math.min(...indexes(1998))) }])
    // DuckDB holds a row group in memory: wide ones have fewer rows.
    const groups = await duck((query) => {
      return query(`select max(row_group_num_rows) as largest from parquet_metadata('${result.files[0]?.path}')`)
    })
    expect(Number((groups[0] as { largest: string }).largest)).toBeLessThan(records)
  }, 60_000)
})

describe('a key of another type in each commit', () => {
  const next = (columns: readonly Column[], ...values: string[]) => {
    return run([{ content: values.map((value) => `{"code":${value}}`).join('\n') }], columns)
  }
  const codes = (result: Awaited<ReturnType<typeof next>>) => {
    return read(result, `select code, _rescued['code'] as rescued from rows`)
  }

  it('goes into the column that the first commit made, if it fits exactly, and else is rescued', async () => {
    const numbers = await next([], '200', '404')
    expect(numbers.fresh).toEqual(['code bigint'])
    const texts = await next(numbers.columns, '"200"', '"x"', '1.5', '[1]', 'true')
    expect(await codes(texts)).toEqual([
      { code: '200', rescued: null },
      { code: null, rescued: '"x"' },
      { code: null, rescued: '1.5' },
      { code: null, rescued: '[1]' },
      { code: null, rescued: 'true' },
    ])
    expect(texts.fresh).toEqual([])
  })

  it('is text where the first commit had text, and JSON where it had arrays', async () => {
    const texts = await next([], '"x"')
    const more = await next(texts.columns, '200', '[1, 2]')
    expect(await codes(more)).toEqual([
      { code: '200', rescued: null },
      { code: '[1, 2]', rescued: null },
    ])
    const arrays = await next([], '[1]')
    expect(arrays.fresh).toEqual(['code json'])
    expect(await codes(await next(arrays.columns, '5', '"x"'))).toEqual([
      { code: '5', rescued: null },
      { code: '"x"', rescued: null },
    ])
  })
})
