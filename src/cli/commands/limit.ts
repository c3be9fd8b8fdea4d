import type { Command } from 'commander'

import type { Limit } from '../answers.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, wholeNumber, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

const keys = 'such as resource:1/redshift, workgroup:1/etl, account:1, account:1/kind:query'

export function defineLimit(limit: Command, terminal: Terminal): void {
  withOutput(limit.command('list').description('list limits, with the slots in use')).action(
    async (flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const limits = await client.list<Limit>('/limits')
      if (limits.length === 0) tell(terminal, 'No limits yet. Make one: biwa limit set resource:ACCOUNT/redshift 2')
      await printRows(terminal, rowsOf(['key', 'slots', 'used', 'paused_until'], limits), flags.format)
    },
  )

  withConnection(
    limit
      .command('set')
      .argument('<key>', keys)
      .argument('<slots>', 'how many run at once', wholeNumber('The slots', 0, 1_000_000))
      .description('make or change a limit; what runs goes on'),
  ).action(async (key: string, slots: number, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const { used } = await client.call<Limit>('PUT', '/limits', { json: { key, slots } })
    tell(terminal, `${key} has ${slots} slots, of which ${used} are used.`)
  })

  withConnection(limit.command('remove').argument('<key>', keys).description('remove a limit')).action(
    async (key: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      await client.post<Limit>('/limits/remove', { key })
      tell(terminal, `Removed ${key}.`)
    },
  )
  definePause(limit, terminal)
}

function definePause(limit: Command, terminal: Terminal): void {
  withConnection(limit.command('pause').argument('<key>', keys).description('let none of its jobs begin for a while'))
    .option('--minutes <number>', 'for how long', wholeNumber('--minutes', 1, 525_600), 60)
    .action(async (key: string, flags: CommonOptions & { minutes: number }) => {
      const client = await connect(terminal, flags)
      const until = new Date(Date.now() + flags.minutes * 60_000).toISOString()
      await client.post<Limit>('/limits/pause', { key, until })
      tell(terminal, `${key} is paused until ${until}. biwa limit resume ${key} ends that.`)
    })

  withConnection(limit.command('resume').argument('<key>', keys).description('end a pause')).action(
    async (key: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      await client.post<Limit>('/limits/pause', { key, until: null })
      tell(terminal, `${key} goes on.`)
    },
  )
}
