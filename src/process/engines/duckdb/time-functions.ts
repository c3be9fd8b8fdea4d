import type { Session } from '../../../base/duckdb/session.ts'
import { quotedText } from '../../../base/duckdb/session.ts'
import type { QueryMoment } from './tasks.ts'

/**
 * Makes the functions of time that SQL has with us. They are temporary macros: these are found before DuckDB's own
 * functions, whatever database the query looks names up in, and DuckDB folds them to constants, so that chunks can be
 * chosen by them.
 */
export async function makeTimeFunctions(session: Session, moment: QueryMoment): Promise<void> {
  await session.run("set timezone = 'UTC'")
  await session.run(presentMoment(moment))
  await session.run(treasureData(moment))
}

/**
 * DuckDB would read the clock once for the plan and again for the run, and a row of the time in between would be looked for in
 * a chunk that was not chosen. All its names for the present are therefore bound to one moment.
 */
function presentMoment({ nowUs }: QueryMoment): string {
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
  return Object.entries(names)
    .map(([name, value]) => `create temp macro ${name}() as ${value};`)
    .join('\n')
}

/** Unix seconds of `value`, which is a number, or a text with a date: in UTC, or in the zone where one is named. */
function unixSeconds(value: string, zone?: string): string {
  const text = `cast(${value} as varchar)`
  const instant = zone === undefined ? `cast(${text} as timestamptz)` : `timezone(${zone}, cast(${text} as timestamp))`
  return `coalesce(try_cast(${text} as bigint), cast(floor(epoch(${instant})) as bigint))`
}

/** The time functions of Treasure Data that queries of its users lean on most. */
function treasureData({ scheduledSeconds }: QueryMoment): string {
  const inRange = (zone?: string) =>
    `(since is null or t >= ${unixSeconds('since', zone)}) and (till is null or t < ${unixSeconds('till', zone)})`
  const truncated = (zone: string) =>
    `cast(epoch(timezone(${zone}, date_trunc(unit, timezone(${zone}, to_timestamp(t))))) as bigint)`
  const utc = quotedText('UTC')
  return `
    create temp macro td_time_range
      (t, since) as t >= ${unixSeconds('since')},
      (t, since, till) as ${inRange()},
      (t, since, till, zone) as ${inRange('zone')};
    create temp macro td_time_parse
      (value) as ${unixSeconds('value')},
      (value, zone) as ${unixSeconds('value', 'zone')};
    create temp macro td_date_trunc
      (unit, t) as ${truncated(utc)},
      (unit, t, zone) as ${truncated('zone')};
    create temp macro td_scheduled_time() as ${Math.floor(scheduledSeconds)}::bigint;`
}
