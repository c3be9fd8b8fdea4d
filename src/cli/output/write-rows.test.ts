import { expect, test } from 'vitest'

import type { RowSet } from './cells.ts'
import { textFormats } from './formats.ts'
import type { TextFormat } from './formats.ts'
import { formatRows } from './write-rows.ts'

const rows: RowSet = {
  columns: ['id', 'name', 'note'],
  rows: [
    [{ raw: '9007199254740993' }, 'plain', null],
    [{ raw: '-1.50' }, 'quote " tab \t pipe | comma ,', ''],
    [null, 'two\nlines \u001b[31m', { raw: '{"a":[1,null]}' }],
  ],
}

const golden: Record<TextFormat, string> = {
  table: `┌──────────────────┬─────────────────────────────┬────────────────┐
│               id │ name                        │ note           │
├──────────────────┼─────────────────────────────┼────────────────┤
│ 9007199254740993 │ plain                       │ NULL           │
│            -1.50 │ quote " tab \t pipe | comma , │                │
│             NULL │ two                         │ {"a":[1,null]} │
│                  │ lines \\u001b[31m            │                │
└──────────────────┴─────────────────────────────┴────────────────┘
`,
  vertical: `id   | 9007199254740993
name | plain
note | NULL

id   | -1.50
name | quote " tab \t pipe | comma ,
note | 

id   | NULL
name | two
     | lines \\u001b[31m
note | {"a":[1,null]}
`,
  csv: `id,name,note\r
9007199254740993,plain,\r
-1.50,"quote "" tab \t pipe | comma ,",""\r
,"two
lines \u001b[31m","{""a"":[1,null]}"\r
`,
  tsv: `id\tname\tnote
9007199254740993\tplain\t
-1.50\t"quote "" tab \t pipe | comma ,"\t""
\t"two
lines \u001b[31m"\t"{""a"":[1,null]}"
`,
  json: `[
{"id":9007199254740993,"name":"plain","note":null},
{"id":-1.50,"name":"quote \\" tab \\t pipe | comma ,","note":""},
{"id":null,"name":"two\\nlines \\u001b[31m","note":{"a":[1,null]}}
]
`,
  ndjson: `{"id":9007199254740993,"name":"plain","note":null}
{"id":-1.50,"name":"quote \\" tab \\t pipe | comma ,","note":""}
{"id":null,"name":"two\\nlines \\u001b[31m","note":{"a":[1,null]}}
`,
  markdown: `| id | name | note |
| ---: | --- | --- |
| 9007199254740993 | plain | NULL |
| -1.50 | quote " tab \t pipe \\| comma , |  |
| NULL | two<br>lines \\u001b[31m | {"a":[1,null]} |
`,
}

async function written(format: TextFormat, set: RowSet): Promise<string> {
  let text = ''
  for await (const piece of formatRows(format, set)) text += piece
  return text
}

test.each(textFormats)('writes %s', async (format) => {
  expect(await written(format, rows)).toBe(golden[format])
})

test('writes an empty list', async () => {
  const empty: RowSet = { columns: ['a'], rows: [] }
  expect(await written('json', empty)).toBe('[]\n')
  expect(await written('ndjson', empty)).toBe('')
  expect(await written('tsv', empty)).toBe('a\n')
})
