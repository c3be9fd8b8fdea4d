import { expect, test } from 'vitest'

import type { ExecuteInput } from './tasks.ts'
import { canBeNamed } from './views.ts'

const table = (database: string, name: string, files: readonly string[] = ['/a.parquet']) => ({
  database,
  name,
  columns: [],
  scans: files.length === 0 ? [] : [{ changes: [], files }],
})

const input = (sql: string, tables: ExecuteInput['tables'] = [table('web', 'logs')]): ExecuteInput => ({
  sql,
  whole: sql,
  offset: 0,
  nowUs: 0,
  scheduledSeconds: 0,
  database: 'web',
  tables,
  sizes: [],
  projection: [],
  columnCount: 0,
  fieldIds: null,
  path: '/answer',
  fileBytes: null,
  spillDirectory: '/spill',
  limits: { memoryBytes: 1, temporaryBytes: 1, threads: 1 },
  small: null,
  kept: null,
})

test.each<[string, ExecuteInput]>([
  ['a table by its name', input('select * from logs')],
  ['a text that has the name of the database in it', input(`select 'web', website from logs where "web" = 1`)],
  ['no table', input('select 1', [])],
  ['several', input('select * from logs join users using (id)', [table('web', 'logs'), table('web', 'users')])],
])('%s can be named for one statement', (_, given) => {
  expect(canBeNamed(given)).toBe(true)
})

test.each<[string, ExecuteInput]>([
  ['a table with its database', input('select * from web.logs')],
  ['in whatever spelling', input('select * from "WEB" . logs')],
  ['a column with it', input('select web.logs.code from logs')],
  ['one of another database', input('select * from logs, other.logs', [table('web', 'logs'), table('other', 'logs')])],
  ['names of the text itself', input('With logs as (select * from logs) select * from logs')],
  ['a table without files', input('select * from logs', [table('web', 'logs', [])])],
  ['one that the text calls by a stand-in', input('select * from "@"."0"', [table('@', '0')])],
])('%s cannot', (_, given) => {
  expect(canBeNamed(given)).toBe(false)
})
