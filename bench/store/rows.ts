import { parseType } from '../../src/store/types.ts'

/** What the measured tables hold: an access log of 2 columns of text, 3 of numbers and the time. */
export const columns = [
  { name: 'user_id', type: parseType('varchar') },
  { name: 'path', type: parseType('varchar') },
  { name: 'status', type: parseType('bigint') },
  { name: 'bytes', type: parseType('bigint') },
  { name: 'seconds', type: parseType('double') },
]

/** Rows from `first` on, `perSecond` of them to a second that begins with `start`, in no order within a second. */
export function selectRows(
  first: number,
  count: number,
  { start, perSecond }: { start: number; perSecond: number },
): string {
  return `
    select ${start} + i // ${perSecond} as time,
           'user-' || (hash(i) % 100000)::varchar as user_id,
           '/products/' || (hash(i + 1) % 5000)::varchar as path,
           case when hash(i + 2) % 50 = 0 then 500 when hash(i + 2) % 10 = 0 then 404 else 200 end as status,
           (hash(i + 3) % 20000)::bigint as bytes,
           (hash(i + 4) % 1000) / 1000.0 as seconds
      from range(${first}, ${first + count}) r(i)`
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
