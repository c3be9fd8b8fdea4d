import type { Table } from './answers.ts'
import { path } from './client.ts'
import type { Client } from './client.ts'
import { exitCodes } from './exit-codes.ts'
import { Failure, usage } from './failure.ts'
import { linesOf, readCells } from './output/result-rows.ts'
import { plainText } from './output/cells.ts'
import { visible } from './output/visible.ts'
import { deliverResult } from './query/deliver-result.ts'
import { downloadResult } from './query/download.ts'
import { quoted, runStatement } from './query/run-statement.ts'
import type { TableName } from './session.ts'
import { tell, write } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface TailOptions {
  readonly rows: number
  readonly follow?: boolean
  readonly format?: string
}

/** Shows the last rows by time, and with `follow` those that arrive from then on. */
export async function tailTable(
  client: Client,
  terminal: Terminal,
  target: TableName,
  options: TailOptions,
): Promise<void> {
  if (options.follow === true) return await followTable(client, terminal, target, options)
  const job = await runStatement(client, terminal, lastRows(target, options.rows), { quiet: true })
  await deliverResult(client, terminal, job, { format: options.format, output: undefined, limit: options.rows })
}

function lastRows({ database, table }: TableName, rows: number): string {
  const name = `${quoted(database)}.${quoted(table)}`
  return `select * from (select * from ${name} order by time desc limit ${rows}) order by time`
}

/** How often the server is asked whether the table changed. */
const askEveryMs = 500

/** Seconds behind the newest row (or now) in which a late row is still noticed. */
const lateSeconds = 60

/** Rows that one look at the table compares at most. */
const rowsPerLookMax = 5_000

/** Rows have no names, so a new one is told by its text: a look shows it more often than the look before did. */
async function followTable(client: Client, terminal: Terminal, target: TableName, options: TailOptions): Promise<void> {
  if (options.format !== undefined && options.format !== 'ndjson') {
    throw usage(`--follow writes ndjson, and not ${options.format}.`, 'Leave -f out.')
  }
  let { snapshot } = await existing(client, terminal, target)
  let { lines, newest } = await look(client, terminal, lastRows(target, rowsPerLookMax))
  for (const line of lines.slice(-options.rows)) await printLine(terminal, line)
  for (;;) {
    await terminal.clock.sleep(askEveryMs)
    const table = await existing(client, terminal, target)
    if (table.snapshot === snapshot) continue
    snapshot = table.snapshot
    const latest = await look(client, terminal, recentRows(target, since(terminal, newest)))
    for (const line of without(latest.lines, lines)) await printLine(terminal, line)
    lines = latest.lines
    if (latest.newest > newest) newest = latest.newest
  }
}

/** The rows as lines of JSON, and the largest of their times. */
async function look(client: Client, terminal: Terminal, sql: string): Promise<{ lines: string[]; newest: bigint }> {
  const job = await runStatement(client, terminal, sql, { quiet: true })
  const timeColumn = job.query?.result?.columns.findIndex(({ name }) => name === 'time') ?? -1
  const lines: string[] = []
  let newest = 0n
  for await (const line of linesOf(downloadResult(client, terminal, job, 'ndjson'))) {
    lines.push(line)
    const time = BigInt(plainText(readCells(line)[timeColumn] ?? null, '0'))
    if (time > newest) newest = time
  }
  return { lines, newest }
}

/** The lines that occur more often than they did before, as often as that. */
function without(lines: readonly string[], before: readonly string[]): string[] {
  const known = new Map<string, number>()
  for (const line of before) known.set(line, (known.get(line) ?? 0) + 1)
  return lines.filter((line) => {
    const left = known.get(line) ?? 0
    if (left > 0) known.set(line, left - 1)
    return left === 0
  })
}

async function printLine(terminal: Terminal, line: string): Promise<void> {
  await write(terminal.stdout, `${terminal.stdout.isTTY === true ? visible(line) : line}\n`)
}

/** A row with a time in the future must not hide those of now. */
function since(terminal: Terminal, newest: bigint): bigint {
  const now = BigInt(Math.floor(terminal.clock.nowMs() / 1000))
  return (newest < now ? newest : now) - BigInt(lateSeconds)
}

function recentRows({ database, table }: TableName, from: bigint): string {
  const name = `${quoted(database)}.${quoted(table)}`
  return `select * from (select * from ${name} where time >= ${from} order by time desc limit ${rowsPerLookMax}) order by time`
}

/** The table, as soon as somebody makes it. */
async function existing(client: Client, terminal: Terminal, { database, table }: TableName): Promise<Table> {
  for (let asked = 0; ; asked++) {
    try {
      return await client.get<Table>(path`/databases/${database}/tables/${table}`)
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode !== exitCodes.notFound) throw error
      if (asked === 0) tell(terminal, `Waiting for ${database}.${table}, which does not exist yet.`)
      await terminal.clock.sleep(askEveryMs)
    }
  }
}
