import { expect, test } from 'vitest'

import { dependsOnMoment } from './make-functions.ts'

const text = (sql: string) => ({ sql, whole: sql, offset: 0, nowUs: 0, scheduledSeconds: 0 })

test.each([
  'select now()',
  'select CURRENT_DATE - 1',
  'select today()',
  "select age(timestamp '2020-01-01')",
  'select td_scheduled_time()',
  "select * from logs where td_interval(time, '-1d')",
])('%s means something else at another moment', (sql) => {
  expect(dependsOnMoment(text(sql))).toBe(true)
})

test.each(['select count(*) from logs', "select td_time_format(time, 'yyyy') from logs where page = 'x'"])(
  '%s means the same at any moment',
  (sql) => {
    expect(dependsOnMoment(text(sql))).toBe(false)
  },
)
