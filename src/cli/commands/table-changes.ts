import type { Command } from 'commander'

import { uuidv7 } from '../../base/randomness.ts'
import { countText } from '../amounts.ts'
import type { Table } from '../answers.ts'
import type { Client } from '../client.ts'
import { path } from '../client.ts'
import { usage } from '../failure.ts'
import { readMoment } from '../moments.ts'
import { quoted, runStatement } from '../query/run-statement.ts'
import type { CommonOptions, TableName } from '../session.ts'
import { confirm, connect, tableName, withConnection, withDatabase } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { tell } from '../terminal.ts'

export function pathOf({ database, table }: TableName): string {
  return path`/databases/${database}/tables/${table}`
}

/** The commands that change tables and their rows. */
export function defineChanges(table: Command, terminal: Terminal): void {
  defineNames(table, terminal)
  defineDelete(table, terminal)
  defineTruncate(table, terminal)
  defineSet(table, terminal)
  defineForget(table, terminal)
}

function changing(table: Command, usageText: string, description: string): Command {
  return withConnection(withDatabase(table.command(usageText).description(description)))
}

/** Sends a change so that it can be sent again: by its key it is made once. */
async function sendOnce(client: Client, terminal: Terminal, below: string, body: object): Promise<void> {
  const key = `cli-${uuidv7(terminal.clock, terminal.randomness)}`
  const retry = { forMs: 10_000, unreachable: false }
  const response = await client.send('POST', below, { json: { ...body, idempotency_key: key }, retry })
  await response.arrayBuffer()
}

/** A second name without a database is one beside the first. */
function beside(client: Client, first: TableName, text: string): TableName {
  return text.includes('.') ? tableName(client, text) : { ...first, table: text }
}

function defineNames(table: Command, terminal: Terminal): void {
  changing(table, 'rename <table> <name>', 'give a table another name; database.name moves it').action(
    async (name: string, to: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const from = tableName(client, name)
      const target = beside(client, from, to)
      await sendOnce(client, terminal, `${pathOf(from)}/rename`, { name: target.table, database: target.database })
      tell(terminal, `${from.database}.${from.table} is now ${target.database}.${target.table}.`)
    },
  )

  changing(table, 'swap <table> <other>', 'let two tables change names, at once')
    .addHelpText('after', '\nFor example: biwa table swap events events_rebuilt')
    .action(async (name: string, other: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const one = tableName(client, name)
      const two = beside(client, one, other)
      await sendOnce(client, terminal, `${pathOf(one)}/swap`, { with: two.table, database: two.database })
      tell(terminal, `${one.database}.${one.table} and ${two.database}.${two.table} have changed names.`)
    })

  changing(table, 'undrop <table>', 'bring back the table of this name that was dropped last').action(
    async (name: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      const { rows } = await client.post<Table>(`${pathOf(target)}/undrop`)
      tell(terminal, `${target.database}.${target.table} is back, with ${countText(rows, 'row')}.`)
    },
  )
}

interface DeleteFlags extends CommonOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly from?: string
  readonly to?: string
}

function defineDelete(table: Command, terminal: Terminal): void {
  changing(table, 'delete <table>', 'drop a table; with --from and --to, delete its rows of that time')
    .option('--from <time>', 'the first time of which rows go: 2026-01-31, or unix seconds')
    .option('--to <time>', 'the first time of which rows stay')
    .option('-y, --yes', 'do not ask')
    .option('-n, --dry-run', 'only say what would be dropped or deleted')
    .addHelpText(
      'after',
      '\nFor example: biwa table delete events --from 2026-01-01 --to "2026-01-01 06:00:00"\nOther conditions: biwa query "delete from events where …". A dropped table comes back with biwa table undrop.',
    )
    .action(async (name: string, flags: DeleteFlags) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      if (flags.from !== undefined || flags.to !== undefined) return await deleteRows(terminal, client, target, flags)
      const { rows } = await client.get<Table>(pathOf(target))
      const what = `the table ${target.database}.${target.table} with ${rows} rows`
      if (flags.dryRun === true) return tell(terminal, `Would drop ${what}.`)
      await confirm(terminal, `Drop ${what}?`, flags.yes)
      await client.delete(pathOf(target))
      tell(terminal, `Dropped ${what}.`)
    })
}

async function deleteRows(terminal: Terminal, client: Client, target: TableName, flags: DeleteFlags): Promise<void> {
  if (flags.from === undefined || flags.to === undefined) {
    throw usage('Rows are deleted from a time to a time.', 'Give both --from and --to.')
  }
  const [from, to] = [unixSeconds('--from', flags.from), unixSeconds('--to', flags.to)]
  const range = `${sqlName(target)} where time >= ${from} and time < ${to}`
  if (flags.dryRun === true) {
    const job = await runStatement(client, terminal, `from ${range} select time`, { quiet: false })
    return tell(terminal, `Would delete ${countText(job.query?.result?.rows ?? 0, 'row')}.`)
  }
  const what = `the rows of ${target.database}.${target.table} from ${flags.from} to ${flags.to}`
  await confirm(terminal, `Delete ${what}?`, flags.yes)
  const job = await runStatement(client, terminal, `delete from ${range}`, { quiet: false })
  tell(terminal, `Deleted ${countText(job.query?.result?.rows ?? 0, 'row')}.`)
}

function unixSeconds(option: string, text: string): number {
  return /^-?\d{1,12}$/.test(text) ? Number(text) : Math.ceil(Date.parse(readMoment(option, text)) / 1000)
}

function sqlName({ database, table }: TableName): string {
  return `${quoted(database)}.${quoted(table)}`
}

function defineTruncate(table: Command, terminal: Terminal): void {
  changing(table, 'truncate <table>', 'delete all rows of a table')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, flags: CommonOptions & { yes?: boolean }) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      const { rows } = await client.get<Table>(pathOf(target))
      const what = `${target.database}.${target.table}`
      await confirm(terminal, `Delete all ${rows} rows of ${what}?`, flags.yes)
      const job = await runStatement(client, terminal, `truncate table ${sqlName(target)}`, { quiet: false })
      tell(terminal, `Deleted ${countText(job.query?.result?.rows ?? 0, 'row')} of ${what}.`)
    })
}

function defineSet(table: Command, terminal: Terminal): void {
  changing(table, 'set <table> <properties...>', 'set properties of a table, as name=value')
    .addHelpText(
      'after',
      `
  expire_days=90           rows older than this are removed; expire_days=never keeps them
  history_hours=48         how far back the table can be read, and brought back when dropped
  cluster_by=user_id,code  the order of rows in the archive; cluster_by= for that of time
  schema_mode=freeze       what happens to keys without a column: evolve, freeze, quarantine

For example: biwa table set events expire_days=90 cluster_by=user_id`,
    )
    .action(async (name: string, properties: string[], flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      const json: Record<string, unknown> = Object.fromEntries(properties.map(propertyOf))
      await client.call<Table>('PATCH', pathOf(target), { json })
      tell(terminal, `${target.database}.${target.table}: ${properties.join(', ')}.`)
    })
}

function propertyOf(text: string): [name: string, value: unknown] {
  const [, name, value = ''] = /^(\w+)=(.*)$/.exec(text) ?? []
  switch (name) {
    case 'expire_days':
      return [name, value === 'never' ? null : wholeOf(name, value)]
    case 'history_hours':
      return [name, wholeOf(name, value)]
    case 'cluster_by':
      return [name, value === '' ? [] : value.split(',').map((column) => column.trim())]
    case 'schema_mode':
      return [name, value]
    default:
      throw usage(`“${text}” is no property.`, 'Write name=value; biwa table set --help lists the names.')
  }
}

function wholeOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usage(`${name} is “${text}”, and not a whole number.`)
}

function defineForget(table: Command, terminal: Terminal): void {
  changing(table, 'forget <table>', 'end the history of a table: what it was cannot be read any more, and its files go')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nAfter a delete, so that nothing of the rows stays: docs/sql.md says when their bytes are gone.',
    )
    .action(async (name: string, flags: CommonOptions & { yes?: boolean }) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      const what = `${target.database}.${target.table}`
      await confirm(terminal, `End the history of ${what}? It cannot be read as it was any more.`, flags.yes)
      const { chunks } = await client.post<{ chunks: number }>(`${pathOf(target)}/purge_history`)
      tell(terminal, `The history of ${what} is ended; ${countText(chunks, 'file')} will be removed.`)
    })
}
