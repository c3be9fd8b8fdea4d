import type { Command } from 'commander'

import type { Key, NewKey } from '../answers.ts'
import { path } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, wholeNumber, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell, write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

const columns = ['id', 'user_id', 'kind', 'hint', 'description', 'origins', 'created_at', 'last_used_at'] as const
const examples = `
For example:
  biwa key create --kind query --description 'for the dashboard'
  biwa key create --kind import --origin https://www.example.com --origin https://*.shop.example.com`

const keyId = wholeNumber('The id of a key', 1, Number.MAX_SAFE_INTEGER)

export function defineKey(key: Command, terminal: Terminal): void {
  withOutput(key.command('list').description('list API keys')).action(async (flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    await printRows(terminal, rowsOf(columns, await client.list<Key>('/keys')), flags.format)
  })

  withConnection(key.command('create').description('make an API key; it is shown this once'))
    .option('--kind <kind>', 'full, query (read only) or import (write only)', 'full')
    .option('--description <text>', 'what it is for')
    .option(
      '--origin <origin...>',
      'the web pages that may use it, such as https://www.example.com or https://*.example.com; for --kind import',
    )
    .option('--user <id>', 'whose key; your own by default', wholeNumber('--user', 1, Number.MAX_SAFE_INTEGER))
    .addHelpText('after', examples)
    .action(async (flags: CommonOptions & { kind: string; description?: string; origin?: string[]; user?: number }) => {
      const client = await connect(terminal, flags)
      const { kind, description, origin, user } = flags
      const made = await client.post<NewKey>('/keys', {
        kind,
        ...(description !== undefined && { description }),
        ...(origin !== undefined && { origins: origin }),
        ...(user !== undefined && { user_id: user }),
      })
      tell(terminal, `Key ${made.id} (${made.kind}). Keep it now: it is not shown again.`)
      await write(terminal.stdout, `${made.key}\n`)
    })

  withConnection(
    key.command('revoke').argument('<id>', 'as key list shows it', keyId).description('revoke an API key'),
  ).action(async (id: number, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    await client.delete(path`/keys/${id}`)
    tell(terminal, `Key ${id} opens nothing any more.`)
  })
}
