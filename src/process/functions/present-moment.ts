/** What the SQL that asks for the present has in it, by whatever name, and little other SQL. */
const present = /now|today|current|localtime|transaction_timestamp/i

/** Besides, what a schedule has for it, and `age`, which counts from today where it is not told another day. */
const moment = /_scheduled_seconds|\bage\b/i

export const asksForMoment = (sql: string): boolean => present.test(sql) || moment.test(sql)

/**
 * DuckDB would read the clock once for the plan and again for the run, and a row of the time in between would be looked for in
 * a chunk that was not chosen. All its names for the present are therefore bound to one moment: by temporary macros, which are
 * found before DuckDB's own functions, whatever database the query looks names up in, and are folded to constants. They take a
 * millisecond to make, and only SQL that may name one of them needs them.
 */
export function presentMacros(sql: string, nowUs: number): string[] {
  if (!present.test(sql)) return []
  const now = `make_timestamptz(${nowUs})`
  const names: Record<string, string> = {
    now: now,
    get_current_timestamp: now,
    transaction_timestamp: now,
    current_localtimestamp: `${now}::timestamp`,
    current_date: `${now}::timestamp::date`,
    today: `${now}::timestamp::date`,
    get_current_time: `${now}::timetz`,
    current_localtime: `${now}::timestamp::time`,
  }
  return Object.entries(names).map(([name, value]) => `create temp macro ${name}() as ${value};`)
}
