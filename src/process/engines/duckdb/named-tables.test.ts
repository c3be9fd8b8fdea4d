import { expect, test } from 'vitest'

import type { ExecuteInput } from './tasks.ts'
import { analyzeQuery } from '../../planning/analyze.ts'
import { PlanningSessions } from './planning-sessions.ts'
import { withoutDatabases } from './views.ts'

const sessions = new PlanningSessions()

const table = (database: string, name: string, files: readonly string[] = ['/a.parquet']) => ({
  database,
  name,
  columns: [],
  scans: files.length === 0 ? [] : [{ changes: [], files }],
})

const logs = [table('web', 'logs')]

/** As it stands behind other text of the user's. */
const input = async (sql: string, tables: ExecuteInput['tables']): Promise<ExecuteInput> => ({
  sql,
  whole: `explain ${sql}`,
  offset: 8,
  nowUs: 0,
  scheduledSeconds: 0,
  database: 'web',
  tables,
  references: (await analyzeQuery({ sql, whole: `explain ${sql}`, offset: 8 }, sessions)).tables,
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

test.each<[string, string, string, ExecuteInput['tables']?]>([
  ['a table by its name', 'select * from logs', 'select * from logs'],
  ['a table with its database', 'select * from web.logs where code = 2', 'select * from logs where code = 2'],
  ['in whatever spelling', 'select * from "WEB" . "logs" as l', 'select * from "logs" as l'],
  [
    'several times',
    `select 'ü', a.n from Web.logs a join logs b using (n) where n in (select n from web.logs)`,
    `select 'ü', a.n from logs a join logs b using (n) where n in (select n from logs)`,
  ],
  [
    'the name of the database elsewhere',
    `select 'web', website from logs where "web" = 1`,
    `select 'web', website from logs where "web" = 1`,
  ],
  ['a quote that ends the word before', 'select 1 from"web".logs', 'select 1 from logs'],
  ['no table', 'select 1', 'select 1', []],
  [
    'tables of two databases',
    'select * from logs join other.users using (id)',
    'select * from logs join users using (id)',
    [table('web', 'logs'), table('other', 'users')],
  ],
  ['a table by a stand-in', 'select * from "@"."0"', 'select * from "0"', [table('@', '0')]],
])('%s can be named for one statement', async (_, sql, expected, tables = logs) => {
  expect(withoutDatabases(await input(sql, tables))).toBe(expected)
})

test.each<[string, string, ExecuteInput['tables']?]>([
  ['a column with its database', 'select web.logs.code from web.logs'],
  ['a database before a comment', 'select * from web /* . */ . logs'],
  ['a comment before a name', 'select * from web./* . */logs'],
  ['two of one name', 'select * from logs, other.logs', [table('web', 'logs'), table('other', 'logs')]],
  ['names of the text itself', 'With logs as (select * from web.logs) select * from logs'],
  ['a table without files', 'select * from logs', [table('web', 'logs', [])]],
])('%s cannot', async (_, sql, tables = logs) => {
  expect(withoutDatabases(await input(sql, tables))).toBeUndefined()
})
