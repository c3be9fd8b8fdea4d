import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

import { compiledEncoder } from '../../base/parquet/testing/compile-encoder.ts'
import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'
import { parseType } from '../../store/types.ts'
import { arrangedRowsMin } from '../limits.ts'
import { anyNestedType, anySourceFor, jsonOf, misfit, modelOf } from '../split/testing/nested-model.ts'
import type { ConversionRun } from '../testing/run-conversion.ts'
import { openConversions } from '../testing/run-conversion.ts'

const { run, view, read, duck, parquetOf, remove } = openConversions(1_700_000_000_000_000)
const encoding = openConversions(1_700_000_000_000_000, { encoder: await compiledEncoder() })

afterAll(async () => {
  await remove()
  await encoding.remove()
})

const columnOf = (type: LogicalType | string): Column => {
  return { fieldId: 6, name: 'v', type: typeof type === 'string' ? parseType(type) : type }
}

/** What the model says a value is, of what DuckDB's client says. */
function plain(type: LogicalType, value: DuckDBValue): unknown {
  if (value === null) return null
  if (value instanceof DuckDBListValue && type.kind === 'array') {
    return value.items.map((item) => plain(type.element, item))
  }
  if (value instanceof DuckDBMapValue && type.kind === 'map') {
    return new Map(value.entries.map((entry) => [plain(type.key, entry.key), plain(type.value, entry.value)]))
  }
  if (value instanceof DuckDBStructValue && type.kind === 'row') {
    return Object.fromEntries(
      type.fields.map((field) => [field.name, plain(field.type, value.entries[field.name] ?? null)]),
    )
  }
  if (value instanceof DuckDBDecimalValue) return value.value
  if (value instanceof DuckDBDateValue) return value.days
  return value instanceof DuckDBTimestampValue ? value.micros : value
}

/** The column and what was rescued of it, as queries see them. */
async function storedIn(connection: DuckDBConnection, conversion: ConversionRun, type: LogicalType) {
  await connection.run(view(conversion))
  const reader = await connection.runAndReadAll(`select v, _rescued['v'] from rows`)
  return reader.getRows().map(([value, rescued]) => ({ value: plain(type, value ?? null), rescued }))
}

const anyColumn = anyNestedType.chain((type) => {
  return fc.record({ type: fc.constant(type), sources: fc.array(anySourceFor(type), { minLength: 1, maxLength: 8 }) })
})

describe('nested columns in files', () => {
  it('are read by DuckDB as the model says, from plain files, from those that we encode, and from those that DuckDB does', async () => {
    await duck(async (_, connection) => {
      await fc.assert(
        fc.asyncProperty(anyColumn, async ({ type, sources }) => {
          const wanted = sources.map((source) => {
            const value = modelOf(type, source)
            return value === misfit ? { value: null, rescued: jsonOf(source) } : { value, rescued: null }
          })
          const lines = sources.map((source) => `{"time":1,"v":${jsonOf(source)}}`).join('\n')
          const own = await run([{ content: lines }], [columnOf(type)])
          expect(await storedIn(connection, own, type)).toEqual(wanted)
          const rounds = Math.ceil(arrangedRowsMin / sources.length)
          const content = Array.from({ length: rounds }, () => lines).join('\n')
          for (const convert of [run, encoding.run]) {
            const stored = await storedIn(connection, await convert([{ content }], [columnOf(type)]), type)
            expect(stored.length).toBe(rounds * sources.length)
            expect(stored.slice(0, sources.length)).toEqual(wanted)
            expect(stored.slice(-sources.length)).toEqual(wanted)
          }
        }),
        { numRuns: 25 },
      )
    })
  })

  it('have the same field ids inside whoever writes the file, and count their own nulls', async () => {
    const column = columnOf('map(varchar,array(row(a bigint,b json)))')
    const lines = ['{"v":{"k":[{"a":1,"b":[2]},null]}}', '{"v":{}}', '{"v":{"k":null}}', '{"v":null}']
    const small = await run([{ content: lines.join('\n') }], [column])
    const content = Array.from({ length: 1000 }, () => lines.join('\n')).join('\n')
    const large = await run([{ content }], [column])
    const encoded = await encoding.run([{ content }], [column])
    for (const { files } of [small, large, encoded]) {
      const schema = await duck((query) => {
        return query(`select name, field_id from parquet_schema('${files[0]?.path}') where name <> 'time'`)
      })
      expect(schema.slice(1).map((row) => Object.values(row as object))).toEqual([
        ['v', '6'],
        ['key_value', null],
        ['key', '7'],
        ['value', '8'],
        ['list', null],
        ['element', '9'],
        ['a', '10'],
        ['b', '11'],
      ])
    }
    expect(small.files[0]?.statistics[6]).toMatchObject({ nulls: 1 })
    expect(large.files[0]?.statistics[6]).toMatchObject({ nulls: 1000 })
    expect(encoded.files[0]?.statistics[6]).toMatchObject({ nulls: 1000 })
    const select = `select v['k'][1].a as a, v['k'][1].b as b, len(v['k']) as n, v is null as missing from rows limit 4`
    const wanted = [
      { a: '1', b: '[2]', n: '2', missing: false },
      { a: null, b: null, n: null, missing: false },
      { a: null, b: null, n: null, missing: false },
      { a: null, b: null, n: null, missing: true },
    ]
    expect(await read(small, select)).toEqual(wanted)
    expect(await read(large, select)).toEqual(wanted)
    expect(await read(encoded, select)).toEqual(wanted)
  })
})

describe('bodies without values of JSON', () => {
  it('of CSV fill nested columns with JSON in their text', async () => {
    const known = [columnOf('row(a bigint,b array(varchar))'), { ...columnOf('array(bigint)'), fieldId: 20, name: 'w' }]
    const content = 'v,w\n"{""a"":1,""b"":[""x"",""y""]}",[1]\n{},"[1, 2]"\n"[1]",[\n,""\n'
    const result = await run([{ content, format: 'csv' }], known)
    expect(await read(result, `select v, w, _rescued::json as r from rows`)).toEqual([
      { v: { a: '1', b: ['x', 'y'] }, w: ['1'], r: null },
      { v: { a: null, b: null }, w: ['1', '2'], r: null },
      { v: null, w: null, r: '{"v":"\\"[1]\\"","w":"\\"[\\""}' },
      { v: null, w: null, r: '{"w":"\\"\\""}' },
    ])
  })

  it('of Parquet keep nested columns, and fit those of other types or are rescued whole', async () => {
    const known = [
      columnOf('row(a bigint,b varchar)'),
      { ...columnOf('array(bigint)'), fieldId: 20, name: 'w' },
      { ...columnOf('map(varchar,bigint)'), fieldId: 30, name: 'm' },
    ]
    const content = await parquetOf(`select * from (values
      ({a: 1::int, b: 'x'}, ['1', '2'], map{'k': 1::utinyint}, [{z: 1}]),
      ({a: null, b: null}, ['1', '2.5'], map{'k': null}, []),
      (null, [], map{}, null)) as t(v, w, m, fresh)`)
    const result = await run([{ content, format: 'parquet' }], known)
    expect(result.fresh).toEqual(['fresh array(row(z bigint))'])
    expect(await read(result, 'select v, w, m::json as m, fresh, _rescued::json as r from rows')).toEqual([
      { v: { a: '1', b: 'x' }, w: ['1', '2'], m: '{"k":1}', fresh: [{ z: '1' }], r: null },
      { v: { a: null, b: null }, w: null, m: '{"k":null}', fresh: [], r: '{"w":"[\\"1\\",\\"2.5\\"]"}' },
      { v: null, w: [], m: '{}', fresh: null, r: null },
    ])
  })

  it('of Parquet are never taken for what nobody means by them, though there is a cast', async () => {
    const known = ['row(a bigint)', 'array(bigint)', 'map(varchar,bigint)', 'array(json)', 'json'].map(
      (type, index) => {
        return { ...columnOf(type), fieldId: 10 * (index + 1), name: `c${index}` }
      },
    )
    const columns = known.map(({ name }) => `${name}::varchar as ${name}`).join(', ')
    const stored = async (...values: string[]) => {
      const items = values.map((value, index) => `${value} as c${index}`)
      const result = await run([{ content: await parquetOf(`select ${items.join(', ')}`), format: 'parquet' }], known)
      return await read(result, `select ${columns}, _rescued::json as r from rows`)
    }
    const none = { c0: null, c1: null, c2: null, c3: null }
    expect(await stored('{z: 1}', '[true]', `[{k: 'a', v: 1}]`, `['x']`, `'x'`)).toEqual([
      {
        ...none,
        c4: '"x"',
        r: '{"c0":"{\\"z\\":1}","c1":"[true]","c2":"[{\\"k\\":\\"a\\",\\"v\\":1}]","c3":"[\\"x\\"]"}',
      },
    ])
    expect(await stored('{a: 1, z: 2}', `'[1, 2]'`, '{a: 1}', '[[1]]', '[1]')).toEqual([
      {
        ...none,
        c4: '[1]',
        r: '{"c0":"{\\"a\\":1,\\"z\\":2}","c1":"\\"[1, 2]\\"","c2":"{\\"a\\":1}","c3":"[[1]]"}',
      },
    ])
    expect(await stored('{A: 1, z: null}', '[1.0]', `map{'k': 1.5}`, `['[1]'::json]`, 'null')).toEqual([
      { c0: `{'a': 1}`, c1: '[1]', c2: null, c3: '[[1]]', c4: null, r: '{"c2":"{\\"k\\":1.5}"}' },
    ])
  })

  it('of Parquet are refused where a type nests deeper than DuckDB reads in useful time', async () => {
    const deep = `${'['.repeat(17)}1${']'.repeat(17)}`
    const result = await run([{ content: await parquetOf(`select ${deep} as v`), format: 'parquet' }])
    expect(result.bodies[0]?.error).toMatchObject({ code: 'unsupported_format' })
  })
})
