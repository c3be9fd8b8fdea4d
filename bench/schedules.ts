import { systemClock } from '../src/base/clock.ts'
import { openLog } from '../src/base/log.ts'
import { openPostgres } from '../src/base/postgres/postgres.ts'
import { sql } from '../src/base/postgres/postgres.ts'
import type { NewJob } from '../src/jobs/jobs.ts'
import { openJobs } from '../src/jobs/open-jobs.ts'
import { openScheduler } from '../src/jobs/schedules/open-scheduler.ts'
import { selectNextDue } from '../src/jobs/schedules/firing.sql.ts'
import { makeManySchedules } from '../src/jobs/testing/many-schedules.ts'
import type { Options } from './options.ts'
import { mapped } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { startServer } from './queue/server.ts'

const jobsPerCall = 5000
const never = new Date(8.64e15)

/**
 * Schedules that are all due in one second, a hundred thousand unless told otherwise: from that second until the last of their jobs is committed, and
 * beside it the submission of as many jobs, 5,000 with each call. With real durability.
 */
export async function run(options: Options): Promise<Outcome> {
  const count = options.number('schedules')
  const server = await startServer()
  const postgres = await openPostgres({ url: server.url, connectionsMax: 10, applicationName: 'bench' })
  const log = openLog('error')
  const jobs = openJobs({ postgres, clock: systemClock, log })
  // The first hundred thousand also make the files of the log, which later ones use again.
  await submit()
  const figures = {
    'one scheduler': await fire(1),
    'two schedulers': await fire(2),
    'plain submission': await submit(),
  }
  console.log(`${count} schedules due in one second; seconds until the last job is committed`)
  for (const [name, { seconds, firstMs }] of Object.entries(figures)) {
    const first = firstMs === null ? '' : `  first job after ${firstMs} ms`
    console.log(`  ${name.padEnd(18)} ${seconds.toFixed(2).padStart(6)} s${first}`)
  }
  await postgres.close()
  await server.stop()
  return {
    figures,
    sections: [
      {
        kind: 'amounts',
        title: 'Until the last job is committed',
        unit: 's',
        better: 'less',
        yardstick: 'plain submission',
        rows: { [`${count} schedules`]: mapped(figures, ({ seconds }) => seconds) },
      },
    ],
  }

  async function fire(schedulers: number): Promise<{ seconds: number; firstMs: number | null }> {
    const dueAt = new Date(Math.ceil(systemClock.nowMs() / 1000) * 1000 + 15_000)
    await clear()
    await makeManySchedules(postgres, count, dueAt)
    await postgres.query(sql`checkpoint`)
    const services = Array.from({ length: schedulers }, () => openScheduler({ postgres, clock: systemClock, log }))
    for (const service of services) await service.start()
    const drawnBefore = await idsDrawn()
    if (systemClock.nowMs() >= dueAt.getTime()) throw new Error('making the schedules took too long')
    for (;;) {
      // The sequence first: to look for what is due is to read over what was fired, which takes time from the firing.
      const isDone = (await idsDrawn()) >= drawnBefore + count && ((await selectNextDue(postgres)) ?? never) > dueAt
      if (isDone) break
      await systemClock.sleep(20)
    }
    const seconds = (systemClock.nowMs() - dueAt.getTime()) / 1000
    for (const service of services) await service.stop()
    const [counted] = await postgres.query<{ runs: number; first_ms: number }>(sql`
      select count(distinct schedule_id) as runs,
             round(extract(epoch from min(fired_at) - ${dueAt}) * 1000)::integer as first_ms
        from schedule_runs join jobs on jobs.id = job_id where scheduled_time = ${dueAt}`)
    if (counted?.runs !== count) throw new Error(`${counted?.runs} schedules fired`)
    return { seconds, firstMs: counted.first_ms }
  }

  async function idsDrawn(): Promise<number> {
    const [row] = await postgres.query<{ last_value: number }>(sql`select last_value from jobs_id_seq`)
    return row?.last_value ?? 0
  }

  async function submit(): Promise<{ seconds: number; firstMs: null }> {
    await clear()
    const rows = await postgres.query<{ id: number }>(sql`
      insert into accounts (name) select 'plain ' || i from generate_series(1, 100) i returning id`)
    const some = Array.from({ length: jobsPerCall }, (_, index): NewJob => {
      const { id } = rows[index % rows.length] ?? { id: 0 }
      return { accountId: id, kind: 'scheduled', input: { sql: 'select count(*) from events', database: 'web' } }
    })
    await postgres.query(sql`checkpoint`)
    const startedMs = systemClock.monotonicMs()
    for (let made = 0; made < count; made += jobsPerCall) await jobs.submitAll(some)
    return { seconds: (systemClock.monotonicMs() - startedMs) / 1000, firstMs: null }
  }

  async function clear(): Promise<void> {
    await postgres.query(sql`truncate schedules, schedule_times, schedule_runs, jobs, job_waiting, job_history`)
  }
}
