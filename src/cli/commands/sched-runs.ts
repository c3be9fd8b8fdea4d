import type { Command } from 'commander'

import type { Schedule, ScheduledTimes, ScheduleRun } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { usage } from '../failure.ts'
import { localTime, readMoment } from '../moments.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { shellWord } from '../shell-word.ts'
import { connect, wholeNumber, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

/** The commands of `biwa sched` for the times of a schedule: those that come, and those that were. */
export function defineScheduledRuns(sched: Command, terminal: Terminal): void {
  defineRun(sched, terminal)
  defineBackfill(sched, terminal)
  defineNext(sched, terminal)
  defineHistory(sched, terminal)
}

function defineRun(sched: Command, terminal: Terminal): void {
  withConnection(sched.command('run'))
    .argument('<name>', 'the schedule')
    .argument('[time]', 'the scheduled time to run it for, such as 2026-01-31T02:00:00Z; by default now')
    .description('run it once, and print the id of the job')
    .option('--again', 'also for a time whose job is finished')
    .action(async (name: string, time: string | undefined, flags: CommonOptions & { again?: boolean }) => {
      const scheduledTime = time === undefined ? undefined : readMoment('The time', time)
      const body = { scheduled_time: scheduledTime, again: flags.again }
      const client = await connect(terminal, flags)
      const { job, scheduled_time: at } = await client.post<ScheduleRun>(path`/schedules/${name}/run`, body)
      const before = `${name} ran for ${at} before. --again runs it once more.`
      if (job === null) return tell(terminal, before)
      const isOver = job.finished_at !== null
      tell(terminal, isOver ? before : `Job ${job.id} runs ${name} for ${at}. biwa job wait ${job.id} waits for it.`)
      await write(terminal.stdout, `${job.id}\n`)
    })
}

function defineBackfill(sched: Command, terminal: Terminal): void {
  const time = (option: string) => (text: string) => readMoment(option, text)
  withOutput(sched.command('backfill <name>').description('run all scheduled times of a range that have not run'))
    .requiredOption('--from <time>', 'the first of them, such as 2026-01-01 (UTC)', time('--from'))
    .requiredOption('--to <time>', 'the end, which is not in the range', time('--to'))
    .option('-n, --dry-run', 'only list the times')
    .action(async (name: string, flags: CommonOptions & { from: string; to: string; dryRun?: boolean }) => {
      const client = await connect(terminal, flags)
      const { from, to, dryRun = false } = flags
      const body = { from, to, dry_run: dryRun }
      const { times } = await client.post<ScheduledTimes>(path`/schedules/${name}/backfill`, body)
      if (times.length === 0) return tell(terminal, `${name} has no times from ${from} to ${to} that have not run.`)
      const runs = `${times.length} ${times.length === 1 ? 'time' : 'times'} of ${name}`
      if (!dryRun) return tell(terminal, `Runs ${runs}. biwa sched history ${shellWord(name)} shows how they go.`)
      tell(terminal, `Would run ${runs}:`)
      await printRows(terminal, timeRows(times, (await find(client, name)).timezone), flags.format)
    })
}

interface NextFlags extends CommonOptions {
  readonly cron?: string
  readonly timezone?: string
  readonly count: number
}

function defineNext(sched: Command, terminal: Terminal): void {
  withOutput(sched.command('next [name]').description('list the next times of a schedule, or of a cron'))
    .option('-s, --cron <cron>', 'a cron that no schedule has yet')
    .option('-t, --timezone <name>', 'with --cron: an IANA name; by default UTC')
    .option('-n, --count <number>', 'how many', wholeNumber('--count', 1, 1000), 10)
    .action(async (name: string | undefined, flags: NextFlags) => {
      const { cron, timezone, count } = flags
      if ((name === undefined) === (cron === undefined)) {
        throw usage(
          'Give the name of a schedule, or a cron.',
          `biwa sched next NAME, or biwa sched next --cron '0 2 * * *'`,
        )
      }
      if (name !== undefined && timezone !== undefined) {
        throw usage('--timezone goes with --cron: a schedule has a time zone of its own.')
      }
      const client = await connect(terminal, flags)
      if (name === undefined) {
        const { times } = await client.post<ScheduledTimes>('/schedules/preview', { cron, timezone, count })
        return await printRows(terminal, timeRows(times, timezone ?? 'UTC'), flags.format)
      }
      const schedule = await find(client, name)
      const { times } = await client.get<ScheduledTimes>(path`/schedules/${name}/next`, { count })
      if (schedule.cron === null) tell(terminal, `${name} only runs by hand: biwa sched run ${shellWord(name)}.`)
      if (schedule.paused_at !== null) tell(terminal, `${name} is paused: these are its times once it is resumed.`)
      await printRows(terminal, timeRows(times, schedule.timezone), flags.format)
    })
}

function defineHistory(sched: Command, terminal: Terminal): void {
  withOutput(sched.command('history <name>').description('list the times that were run, with their jobs'))
    .option('--limit <number>', 'how many, from the latest down', wholeNumber('--limit', 1, 1000), 20)
    .action(async (name: string, flags: CommonOptions & { limit: number }) => {
      const client = await connect(terminal, flags)
      const runs: ScheduleRun[] = []
      const { limit } = flags
      for await (const run of client.items<ScheduleRun>(path`/schedules/${name}/runs`, { limit })) {
        if (runs.push(run) === limit) break
      }
      const word = shellWord(name)
      if (runs.length === 0) {
        tell(
          terminal,
          `${name} has not run yet. biwa sched next ${word} tells when it will, biwa sched run ${word} runs it.`,
        )
      }
      const columns = ['scheduled_time', 'cause', 'job', 'state', 'seconds', 'error'] as const
      await printRows(terminal, rowsOf(columns, runs.map(summaryOf)), flags.format)
    })
}

function summaryOf({ scheduled_time, cause, job }: ScheduleRun) {
  const start = job?.started_at ?? null
  const end = job?.finished_at ?? null
  const seconds = start === null || end === null ? null : (Date.parse(end) - Date.parse(start)) / 1000
  return { scheduled_time, cause, job: job?.id, state: job?.state, seconds, error: job?.error?.message }
}

function find(client: Client, name: string): Promise<Schedule> {
  return client.get<Schedule>(path`/schedules/${name}`)
}

/** Times, and what clocks in the zone show then. */
function timeRows(times: readonly string[], timezone: string) {
  const rows = times.map((time) => ({ scheduled_time: time, local_time: localTime(time, timezone) }))
  return rowsOf(['scheduled_time', 'local_time'], rows)
}
