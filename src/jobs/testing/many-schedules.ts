import type { Postgres } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

/** What differs between schedules that are due together: some thousand combinations of cron and zone. */
const crons = ['* * * * *', '*/5 * * * *', '0 * * * *', '0 12 * * *', '30 2 * * MON-FRI']
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']

/** Makes schedules of a hundred accounts that are all due at one time, without the way there. */
export async function makeManySchedules(postgres: Postgres, count: number, dueAt: Date): Promise<void> {
  await postgres.query(sql`
    with accounts as (
      insert into accounts (name) select 'many ' || i from generate_series(1, 100) i returning id
    ), lanes as (
      insert into job_lanes (kind, account_id, limit_keys, weights)
      select 'scheduled', id, array['kind:scheduled', 'account:' || id], array[1, 1] from accounts
      returning id, account_id
    ), numbered as (
      select id, account_id, row_number() over (order by id) - 1 as number from lanes
    )
    insert into schedules (account_id, user_id, name, cron, timezone, delay_seconds, catch_up, lane_id, kind, input,
                           priority, attempts_max, resources)
    select account_id, 1, 'schedule ' || i,
           (${crons}::text[])[1 + i % ${crons.length}::integer], (${zones}::text[])[1 + i / 7 % ${zones.length}::integer],
           0, 'all', id, 'scheduled', '{"sql": "select count(*) from events", "database": "web"}', 0, 3, '{}'
      from generate_series(0, ${count}::integer - 1) i join numbered on number = i % 100`)
  await postgres.query(sql`insert into schedule_times (schedule_id, next_time) select id, ${dueAt} from schedules`)
  await postgres.query(sql`analyze schedules, schedule_times`)
}
