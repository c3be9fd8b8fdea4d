import { Option } from 'commander'
import type { Command } from 'commander'

import type { Schedule } from '../answers.ts'
import { path } from '../client.ts'
import { usage } from '../failure.ts'
import { localTime } from '../moments.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { engineOption } from '../query/engine-option.ts'
import { readSql } from '../query/read-sql.ts'
import { sqlSummary } from '../query/sql-summary.ts'
import { shellWord } from '../shell-word.ts'
import { confirm, connect, wholeNumber, withConnection, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { defineScheduledRuns } from './sched-runs.ts'

const examples = `
Examples:
  biwa sched create daily '0 2 * * *' -t Asia/Tokyo -d web "insert into daily
    select td_scheduled_time() as day, count(*) as n from logs
     where td_time_range(time, td_scheduled_time() - 86400, td_scheduled_time())"
  biwa sched create report @hourly -q report.sql --delay 300
  biwa sched next daily --count 5
  biwa sched backfill daily --from 2026-01-01 --to 2026-02-01 --dry-run
  biwa sched history daily

In SQL, td_scheduled_time() is the time for which it runs, in unix seconds. See docs/schedules.md.`

export function defineSched(sched: Command, terminal: Terminal): void {
  sched.addHelpText('after', examples)
  defineList(sched, terminal)
  defineCreate(sched, terminal)
  defineUpdate(sched, terminal)
  defineDelete(sched, terminal)
  definePause(sched, terminal)
  defineScheduledRuns(sched, terminal)
}

function defineList(sched: Command, terminal: Terminal): void {
  withOutput(sched.command('list').description('list schedules')).action(async (flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const schedules = await client.list<Schedule>('/schedules')
    if (schedules.length === 0) {
      tell(terminal, `No schedules yet. Make one: biwa sched create nightly '0 2 * * *' 'select …'`)
    }
    const rows = schedules.map((one) => ({ ...one, sql: sqlSummary(one.sql) }))
    const columns = ['name', 'cron', 'timezone', 'next_time', 'paused_at', 'database', 'sql'] as const
    await printRows(terminal, rowsOf(columns, rows), flags.format)
  })

  withOutput(sched.command('show <name>').description('show a schedule')).action(
    async (name: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      await printRecord(terminal, await client.get<Schedule>(path`/schedules/${name}`), flags.format)
    },
  )
}

interface ScheduleFlags extends CommonOptions {
  readonly file?: string
  readonly timezone?: string
  readonly delay?: number
  readonly catchUp?: string
  readonly engine?: string
  readonly priority?: number
  readonly timeout?: number
  readonly attempts?: number
}

/** What schedules are made with, and changed with. */
function withScheduleFlags(command: Command): Command {
  return withConnection(withDatabase(command))
    .option('-q, --file <file>', 'read the statement from a file; - for standard input')
    .option('-t, --timezone <name>', 'an IANA name such as Asia/Tokyo, in which the cron is read; UTC at first')
    .option('-D, --delay <seconds>', 'how long after its time it runs', wholeNumber('--delay', 0, 316_224_000))
    .addOption(
      new Option('--catch-up <times>', 'of times that passed without a scheduler, run: all at first').choices([
        'all',
        'last',
        'skip',
      ]),
    )
    .addOption(engineOption())
    .option('-P, --priority <number>', 'from -2 to 2; higher is sooner', wholeNumber('--priority', -2, 2))
    .option('--timeout <seconds>', 'how long the query may run', wholeNumber('--timeout', 1, 86_400))
    .option('--attempts <number>', 'how often it is tried; 3 at first', wholeNumber('--attempts', 1, 100))
}

/** What is not given stays out: the server has the defaults, and leaves the rest as it is. */
function fieldsOf(flags: ScheduleFlags) {
  return {
    timezone: flags.timezone,
    delay_seconds: flags.delay,
    catch_up: flags.catchUp,
    engine: flags.engine,
    priority: flags.priority,
    timeout_seconds: flags.timeout,
    attempts_max: flags.attempts,
  }
}

/** `none` is a schedule that runs by hand only. */
const cronOf = (text: string): string | null => (text === 'none' ? null : text)

function defineCreate(sched: Command, terminal: Terminal): void {
  withScheduleFlags(sched.command('create'))
    .argument('<name>', 'unique in the account')
    .argument('<cron>', 'minute, hour, day, month, weekday, in quotes; or @daily and its like; none: only by hand')
    .argument('[sql]', 'the statement; else -q, or standard input')
    .description('make a schedule that runs a query')
    .addHelpText('after', examples)
    .action(async (name: string, cron: string, given: string | undefined, flags: ScheduleFlags) => {
      const sql = await readSql(terminal, given, flags.file, `biwa sched create ${shellWord(name)} … -q FILE`)
      const client = await connect(terminal, flags)
      const database = client.config.database?.value ?? null
      const body = { name, cron: cronOf(cron), sql, database, ...fieldsOf(flags) }
      tell(terminal, `Made ${nextText(await client.post<Schedule>('/schedules', body))}`)
    })
}

interface UpdateFlags extends ScheduleFlags {
  readonly newName?: string
  readonly cron?: string
  readonly takeOver?: boolean
  readonly database?: string
}

function defineUpdate(sched: Command, terminal: Terminal): void {
  withScheduleFlags(sched.command('update <name> [sql]'))
    .description('change what is given; another query makes it run in your name')
    .option('--new-name <name>', 'call it so')
    .option('-s, --cron <cron>', 'run it then; none: only by hand')
    .option('--take-over', 'run it in your name, with your permissions')
    .action(async (name: string, given: string | undefined, flags: UpdateFlags) => {
      const isNewSql = given !== undefined || flags.file !== undefined
      const change = {
        ...fieldsOf(flags),
        name: flags.newName,
        cron: flags.cron === undefined ? undefined : cronOf(flags.cron),
        // Only as an option: what is set for the project is no wish to change anything.
        database: flags.database,
        take_over: flags.takeOver,
        sql: isNewSql ? await readSql(terminal, given, flags.file, 'biwa sched update NAME -q FILE') : undefined,
      }
      if (Object.values(change).every((value) => value === undefined)) {
        throw usage('Nothing to change was given.', 'biwa sched update --help lists what can be.')
      }
      const client = await connect(terminal, flags)
      const changed = await client.call<Schedule>('PATCH', path`/schedules/${name}`, { json: change })
      tell(terminal, `Changed ${nextText(changed)}`)
    })
}

function defineDelete(sched: Command, terminal: Terminal): void {
  withConnection(sched.command('delete <name>').description('delete a schedule; the jobs that it made stay'))
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, flags: CommonOptions & { yes?: boolean }) => {
      const client = await connect(terminal, flags)
      await client.get<Schedule>(path`/schedules/${name}`)
      await confirm(terminal, `Delete the schedule ${name} with its history?`, flags.yes)
      await client.delete(path`/schedules/${name}`)
      tell(terminal, `Deleted ${name}.`)
    })
}

function definePause(sched: Command, terminal: Terminal): void {
  withConnection(sched.command('pause <name>').description('let it make no jobs until it is resumed')).action(
    async (name: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      await client.post<Schedule>(path`/schedules/${name}/pause`)
      tell(terminal, `${name} is paused. biwa sched resume ${shellWord(name)} ends that.`)
    },
  )

  withConnection(sched.command('resume <name>').description('end a pause')).action(
    async (name: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      tell(terminal, `Resumed ${nextText(await client.post<Schedule>(path`/schedules/${name}/resume`))}`)
    },
  )
}

function nextText({ name, timezone, next_time: next, paused_at: paused }: Schedule): string {
  if (paused !== null) return `${name}, which is paused. biwa sched resume ${shellWord(name)} ends that.`
  if (next === null) return `${name}, which only runs by hand: biwa sched run ${shellWord(name)}.`
  return `${name}. Its next time is ${localTime(next, timezone)}; biwa sched next ${shellWord(name)} shows more.`
}
