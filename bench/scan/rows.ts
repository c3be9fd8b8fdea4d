import { parseType } from '../../src/store/types.ts'

/** Rows come evenly over so many hours, so that the archive has several files and a query for an hour leaves most of them out. */
export const hours = 24

/** The beginning of the first hour. */
export const start = (Math.floor(Date.now() / 3_600_000) - hours - 3) * 3600

/** An access log of eight narrow fields, of which one is the time. */
export const columns = [
  { name: 'host', type: parseType('varchar') },
  { name: 'path', type: parseType('varchar') },
  { name: 'method', type: parseType('varchar') },
  { name: 'code', type: parseType('bigint') },
  { name: 'bytes', type: parseType('bigint') },
  { name: 'user_id', type: parseType('varchar') },
  { name: 'referer', type: parseType('varchar') },
]

/** The rows of some of the hours, in no order within an hour. */
export function selectHours(first: number, count: number, rowsPerHour: number): string {
  return `
    select ${start} + 3600 * (i // ${rowsPerHour}) + (hash(i) % 3600)::bigint as time,
           '10.0.' || (hash(i + 1) % 200)::varchar || '.' || (hash(i + 2) % 50)::varchar as host,
           '/item/' || (hash(i + 3) % 5000)::varchar || '/detail' as path,
           case hash(i + 4) % 8 when 0 then 'POST' when 1 then 'PUT' else 'GET' end as method,
           case hash(i + 5) % 50 when 0 then 500 when 1 then 404 when 2 then 302 else 200 end as code,
           (hash(i + 6) % 100000)::bigint as bytes,
           'user-' || (hash(i + 7) % 100000)::varchar as user_id,
           case hash(i + 8) % 3 when 0 then '-' else '/category/' || (hash(i + 9) % 40)::varchar end as referer
      from range(${first * rowsPerHour}, ${(first + count) * rowsPerHour}) r(i)`
}
