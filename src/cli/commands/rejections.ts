import type { Command } from 'commander'

import type { Rejection } from '../answers.ts'
import type { Client } from '../client.ts'
import { rowsOf } from '../output/cells.ts'
import { printAs, printRows } from '../output/printer.ts'
import { requireFormat, textFormats } from '../output/formats.ts'
import { connect, wholeNumber, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

interface RejectionFlags extends CommonOptions {
  readonly minutes: number
  readonly key?: string
  readonly door?: string
  readonly follow?: boolean
}

const columns = [
  'last_at',
  'kind',
  'count',
  'reason',
  'door',
  'key_id',
  'key_hint',
  'database',
  'table',
  'detail',
] as const

const examples = `
Requests are what a door refused before it kept anything: the sender was told. Records were acknowledged and could not be
read: they are in the quarantine (biwa table quarantine).

Examples:
  biwa rejections
  biwa rejections --minutes 60 --door import
  biwa rejections --key …1f0c          a key that is not known, by its last four characters
  biwa rejections --follow -f ndjson`

export function defineRejections(command: Command, terminal: Terminal): void {
  withOutput(command)
    .option('--minutes <number>', 'how far to look back', wholeNumber('--minutes', 1, 1440), 10)
    .option('--key <key>', 'only of this key: its id, or … and its last four characters')
    .option('--door <door>', 'only what came in there: import, events, td, forward …')
    .option('--follow', 'go on with what is rejected from now on; as NDJSON unless -f says otherwise')
    .addHelpText('after', examples)
    .action(async (flags: RejectionFlags) => {
      const client = await connect(terminal, flags)
      if (flags.follow === true) return await follow(client, terminal, flags)
      const rejections = await ask(client, flags, flags.minutes)
      if (rejections.length === 0) tell(terminal, `Nothing was rejected in the last ${flags.minutes} minutes.`)
      await printRows(terminal, rowsOf(columns, rejections), flags.format)
    })
}

function ask(client: Client, { key, door }: RejectionFlags, minutes: number): Promise<Rejection[]> {
  return client.list<Rejection>('/rejections', { minutes, key, door })
}

const askEveryMs = 1000

/** Shows again what has happened again since, with how often in the last minutes. */
async function follow(client: Client, terminal: Terminal, flags: RejectionFlags): Promise<void> {
  const format = flags.format === undefined ? 'ndjson' : requireFormat(flags.format, textFormats)
  const shown = new Map<string, number>()
  for (;;) {
    const rejections = await ask(client, flags, flags.minutes)
    const news = rejections.filter((one) => one.count > (shown.get(sortOf(one)) ?? 0))
    shown.clear()
    for (const one of rejections) shown.set(sortOf(one), one.count)
    if (news.length > 0) await printAs(terminal, format, rowsOf(columns, news.toReversed()))
    await terminal.clock.sleep(askEveryMs)
  }
}

function sortOf({ kind, door, key_id, key_hint, database, table, reason, rest }: Rejection): string {
  return JSON.stringify([kind, door, key_id, key_hint, database, table, reason, rest])
}
