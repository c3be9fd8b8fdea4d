import type { Session } from '../../base/duckdb/session.ts'
import type { QueryMoment } from '../engines/duckdb/tasks.ts'

/**
 * DuckDB would read the clock once for the plan and again for the run, and a row of the time in between would be looked for in
 * a chunk that was not chosen. All its names for the present are therefore bound to one moment: by temporary macros, which are
 * found before DuckDB's own functions, whatever database the query looks names up in, and are folded to constants.
 */
export async function bindPresent(session: Session, { nowUs }: QueryMoment): Promise<void> {
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
  const macros = Object.entries(names).map(([name, value]) => `create temp macro ${name}() as ${value};`)
  await session.run(["set timezone = 'UTC';", ...macros].join('\n'))
}
