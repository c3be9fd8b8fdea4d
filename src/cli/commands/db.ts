import type { Command } from 'commander'

import type { Database } from '../answers.ts'
import { path } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { confirm, connect, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

const columns = ['name', 'table_count', 'created_at'] as const

export function defineDb(db: Command, terminal: Terminal): void {
  withOutput(db.command('list').description('list databases')).action(async (options: CommonOptions) => {
    const client = await connect(terminal, options)
    const databases = await client.list<Database>('/databases')
    await printRows(terminal, rowsOf(columns, databases), options.format)
  })

  withOutput(db.command('show <database>').description('show a database')).action(
    async (name: string, options: CommonOptions) => {
      const client = await connect(terminal, options)
      await printRecord(terminal, await client.get<Database>(path`/databases/${name}`), options.format)
    },
  )

  withConnection(db.command('create <database>').description('make a database'))
    .option('--if-not-exists', 'be content when it is there')
    .action(async (name: string, options: CommonOptions & { ifNotExists?: boolean }) => {
      const client = await connect(terminal, options)
      await client.post<Database>('/databases', { name, if_not_exists: options.ifNotExists ?? false })
      tell(terminal, `The database ${name} is there.`)
    })

  withConnection(db.command('delete <database>').description('drop a database with all its tables'))
    .option('-y, --yes', 'do not ask')
    .option('-n, --dry-run', 'only say what would be dropped')
    .action(async (name: string, options: CommonOptions & { yes?: boolean; dryRun?: boolean }) => {
      const client = await connect(terminal, options)
      const database = await client.get<Database>(path`/databases/${name}`)
      const what = `the database ${name} with ${database.table_count} tables`
      if (options.dryRun === true) return tell(terminal, `Would drop ${what}.`)
      await confirm(terminal, `Drop ${what}?`, options.yes)
      await client.delete(path`/databases/${name}`)
      tell(terminal, `Dropped ${what}.`)
    })
}
