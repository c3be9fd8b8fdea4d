import { always } from '../store/engine-time.ts'
import type { Shape } from '../store/engine-time.ts'
import { start } from './rows.ts'

/** An hour in the middle of the table. */
const hour = { from: start + 12 * 3600, to: start + 13 * 3600 }
const inHour = `time >= ${hour.from} and time < ${hour.to}`

/**
 * What dashboards and analysts ask of an access log, in the SQL that both engines read. Every answer is in a fixed order and
 * has texts and whole numbers only, so that answers can be compared letter by letter.
 */
export const shapes: Readonly<Record<string, Shape>> = {
  'narrow sum': { sql: 'select sum(bytes) from t', columnCount: 1, range: always },
  'group by code': {
    sql: 'select code, count(*) from t group by code order by code',
    columnCount: 2,
    range: always,
  },
  'group by two texts': {
    sql: 'select method, referer, count(*) from t group by method, referer order by method, referer',
    columnCount: 3,
    range: always,
  },
  'top users': {
    sql: 'select user_id, count(*) as n from t group by user_id order by n desc, user_id limit 10',
    columnCount: 2,
    range: always,
  },
  'distinct hosts': { sql: 'select count(distinct host) from t', columnCount: 1, range: always },
  like: { sql: `select count(*) from t where path like '%99%tail'`, columnCount: 1, range: always },
  'filtered sum': {
    sql: 'select count(*), sum(bytes) from t where code = 500 and bytes >= 50000',
    columnCount: 2,
    range: always,
  },
  'one user': {
    sql: `select count(*), max(time) from t where user_id = 'user-4242'`,
    columnCount: 2,
    range: always,
  },
  'pruned hour': {
    sql: `select code, count(*), sum(bytes) from t where ${inHour} group by code order by code`,
    columnCount: 3,
    range: hour,
  },
  'minutes of an hour': {
    sql: `select time - time % 60 as minute, count(*) as n, sum(bytes) as sent
            from t where ${inHour} and code >= 400 group by minute order by minute`,
    columnCount: 3,
    range: hour,
  },
}
