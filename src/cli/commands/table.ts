import type { Command } from 'commander'

import type { Table } from '../answers.ts'
import { path } from '../client.ts'
import { usage } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { connect, tableName, wholeNumber, withConnection, withDatabase, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { defineDamaged, defineLayout } from './table-layout.ts'
import { tailTable } from '../table-tail.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { defineAlter } from './table-alter.ts'
import { defineChanges, pathOf } from './table-changes.ts'
import { defineHistory } from './table-history.ts'
import { defineRecordList } from './quarantine-list.ts'

export function defineTable(table: Command, terminal: Terminal): void {
  defineReading(table, terminal)
  defineTail(table, terminal)
  defineRecordList(table.command('quarantine <table>').alias('errors'), terminal)
  defineLayout(table, terminal)
  defineDamaged(table, terminal)
  defineCreate(table, terminal)
  defineChanges(table, terminal)
  defineAlter(table, terminal)
  defineHistory(table, terminal)
}

function defineReading(table: Command, terminal: Terminal): void {
  withOutput(withDatabase(table.command('list [database]').description('list the tables of a database'))).action(
    async (name: string | undefined, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const database = name ?? client.config.database?.value
      if (database === undefined) throw usage('Which database?', 'biwa table list <database>; biwa db list shows them.')
      const tables = await client.list<Table>(path`/databases/${database}/tables`)
      const summaries = tables.map((one) => ({ ...one, columns: one.columns.length }))
      await printRows(terminal, rowsOf(['name', 'rows', 'bytes', 'columns', 'updated_at'], summaries), flags.format)
    },
  )

  withOutput(
    withDatabase(table.command('show <table>').description('show a table: sizes on standard error, columns as data')),
  ).action(async (name: string, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const { columns, ...facts } = await client.get<Table>(pathOf(tableName(client, name)))
    if (flags.format === 'json' || flags.format === 'ndjson') {
      return await printRecord(terminal, { ...facts, columns }, flags.format)
    }
    tell(
      terminal,
      `${facts.database}.${facts.name}: ${facts.rows} rows, ${facts.bytes} bytes, snapshot ${facts.snapshot}, changed ${facts.updated_at}`,
    )
    await printRows(terminal, rowsOf(['name', 'type', 'field_id'], columns), flags.format)
  })
}

function defineTail(table: Command, terminal: Terminal): void {
  withOutput(withDatabase(table.command('tail <table>').description('show the last rows by time')))
    .option('-n, --rows <number>', 'how many', wholeNumber('--rows', 1, 10_000), 10)
    .option('--follow', 'go on with rows that arrive; as NDJSON unless -f says otherwise')
    .action(async (name: string, flags: CommonOptions & { rows: number; follow?: boolean }) => {
      const client = await connect(terminal, flags)
      await tailTable(client, terminal, tableName(client, name), flags)
    })
}

const createExamples = `
Types: boolean, bigint, double, decimal(p,s), varchar, varbinary, date, timestamp, json, array(type),
map(key,value) and row(name type, …), as deep as you like. Columns that are not named here come with the first import.

Examples:
  biwa table create web.access code:bigint price:'decimal(10,2)'
  biwa table create web.orders tags:'array(varchar)' items:'array(row(sku varchar, count bigint))'`

function defineCreate(table: Command, terminal: Terminal): void {
  withConnection(
    withDatabase(table.command('create <table> [columns...]').description('make a table; columns as name:type')),
  )
    .option('--if-not-exists', 'be content when it is there')
    .addHelpText('after', createExamples)
    .action(async (name: string, columns: string[], flags: CommonOptions & { ifNotExists?: boolean }) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      await client.post(path`/databases/${target.database}/tables`, {
        name: target.table,
        columns: columns.map(columnOf),
        if_not_exists: flags.ifNotExists ?? false,
      })
      tell(terminal, `The table ${target.database}.${target.table} is there.`)
    })
}

/** A column and its type, before which there is a colon; quoted names of fields, which are in the type, may have some, too. */
function columnOf(text: string): { name: string; type: string } {
  const [, name, type] = /^(.+):\s*(\w+\s*(?:\(.*\))?)\s*$/s.exec(text) ?? []
  if (name === undefined || type === undefined) {
    throw usage(`“${text}” is no column.`, 'Write name:type, for example price:decimal(10,2).')
  }
  return { name, type }
}
