import { decodeMulti } from '@msgpack/msgpack'
import { expect, it } from 'vitest'

import { formatRows } from './format-rows.ts'

const columns = [
  { name: 'n', type: { kind: 'bigint' } as const },
  { name: 'text', type: { kind: 'varchar' } as const },
]
const rows = [
  [1n, 'ä'],
  [null, null],
]

it.each([
  [
    'json',
    '{"columns":[{"name":"n","type":"bigint"},{"name":"text","type":"varchar"}],"rows":[\n[1,"ä"],\n[null,null]\n]}\n',
  ],
  ['ndjson', '{"n":1,"text":"ä"}\n{"n":null,"text":null}\n'],
  ['csv', 'n,text\r\n1,ä\r\n,\r\n'],
])('rows are written as %s', async (format, expected) => {
  expect((await formatRows(format, columns, rows))?.toString()).toBe(expected)
})

it('rows are written as msgpack', async () => {
  expect([...decodeMulti((await formatRows('msgpack', columns, rows)) ?? [])]).toEqual([
    [1, 'ä'],
    [null, null],
  ])
})

it.each(['parquet', 'msgpack.gz', 'csv.rows', 'pdf'])('%s is made of a stored result only', async (format) => {
  expect(await formatRows(format, columns, rows)).toBeUndefined()
})

it('a format in which a long name repeats is not kept beside the values', async () => {
  const [column] = [{ name: 'n'.repeat(100_000), type: { kind: 'bigint' } as const }]
  expect(
    await formatRows(
      'ndjson',
      [column],
      Array.from({ length: 41 }, () => [1n]),
    ),
  ).toBeDefined()
  expect(
    await formatRows(
      'ndjson',
      [column],
      Array.from({ length: 42 }, () => [1n]),
    ),
  ).toBeUndefined()
})
