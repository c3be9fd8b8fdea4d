import { expect, test } from 'vitest'

import { queryColumns } from '../../store/columns.ts'
import { parseType } from '../../store/types.ts'
import { PlanningSessions } from '../engines/duckdb/planning-sessions.ts'
import { planQuery } from './plan.ts'

const sessions = new PlanningSessions()
const columns = queryColumns(
  ['time', 'a', 'b'].map((name, index) => ({ fieldId: index + 1, name, type: parseType('bigint') })),
)

async function isOnePass(sql: string): Promise<boolean> {
  const tables = [{ database: 'web', name: 't', columns }]
  const text = { sql, whole: sql, offset: 0, database: 'web', nowUs: 0, scheduledSeconds: 0 }
  return (await planQuery({ ...text, tables, explain: false }, sessions)).isOnePass
}

test.each([
  'select * from t',
  'select a, count(*), sum(b) from t where time > 5 and a <> b group by a having count(*) > 1 order by 2 desc limit 3',
  'select distinct a from (select a + 1 as a from t where b::varchar like $$1%$$) order by a',
  'select 1',
  'select a, sum(b) from t where false group by a',
])('one pass: %s', async (sql) => expect(await isOnePass(sql)).toBe(true))

test.each([
  'select count(*) from t x, t y',
  'select * from t join t u using (a)',
  'select count(*) from range(100000) a, range(100000) b',
  'select unnest(range(a)) from t',
  'select a, sum(b) over (order by a rows 10000 preceding) from t',
  'with recursive r as (select 1 as i union all select i + 1 from r where i < 1000000) select count(*) from r',
  'select a from t where b in (select a from t)',
  'select unnest(range(1000000))',
  'values (1), (2)',
  'select 1 union all select 2',
])('not: %s', async (sql) => expect(await isOnePass(sql)).toBe(false))
