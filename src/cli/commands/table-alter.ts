import type { Command } from 'commander'

import type { Table } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { usage } from '../failure.ts'
import type { CommonOptions, TableName } from '../session.ts'
import { confirm, connect, tableName, withConnection, withDatabase } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { tell } from '../terminal.ts'

const examples = `
For example:
  biwa table alter events add price 'decimal(10,2)'
  biwa table alter events type code varchar      values that were rescued come back, where they fit
  biwa table alter events rename code status
  biwa table alter events drop price --yes`

/** The command that changes the columns of a table. */
export function defineAlter(table: Command, terminal: Terminal): void {
  withConnection(
    withDatabase(
      table
        .command('alter <table> <change> <column> [value]')
        .description('change a column: add (a type), type, rename (a new name) or drop'),
    ),
  )
    .option('-y, --yes', 'do not ask before a column is dropped')
    .addHelpText('after', examples)
    .action(async (name: string, change: string, column: string, value: string | undefined, flags: AlterFlags) => {
      const client = await connect(terminal, flags)
      const target = tableName(client, name)
      tell(terminal, await alter(terminal, client, target, { change, column, value, flags }))
    })
}

interface AlterFlags extends CommonOptions {
  readonly yes?: boolean
}

interface Alteration {
  readonly change: string
  readonly column: string
  readonly value: string | undefined
  readonly flags: AlterFlags
}

/** Makes the change, and says so. */
async function alter(terminal: Terminal, client: Client, target: TableName, asked: Alteration): Promise<string> {
  const { change, column, value, flags } = asked
  const below = path`/databases/${target.database}/tables/${target.table}/columns`
  const one = below + path`/${column}`
  const shown = `The column ${column} of ${target.database}.${target.table}`
  switch (change) {
    case 'add':
      await client.post<Table>(below, { name: column, type: required(value, 'a type') })
      return `${shown} is there.`
    case 'type':
      await client.call<Table>('PATCH', one, { json: { type: required(value, 'a type') } })
      return `${shown} is now ${value}.`
    case 'rename':
      await client.call<Table>('PATCH', one, { json: { name: required(value, 'a new name') } })
      return `${shown} is now ${value}.`
    case 'drop':
      if (value !== undefined) throw usage('A column is dropped by its name alone.', examples.trim())
      await confirm(
        terminal,
        `Drop the column ${column} of ${target.database}.${target.table} with its values?`,
        flags.yes,
      )
      await client.delete(one)
      return `${shown} is gone.`
    default:
      throw usage(`“${change}” is no change of a column.`, 'There are add, type, rename and drop.')
  }
}

function required(value: string | undefined, what: string): string {
  if (value !== undefined) return value
  throw usage(`The change lacks ${what}.`, examples.trim())
}
