import type { Command } from 'commander'

import type { Status } from '../answers.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRecord, printRows } from '../output/printer.ts'
import { connect, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineStatus(command: Command, terminal: Terminal): void {
  withOutput(command).action(async (flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const status = await client.get<Status>('/status')
    if (flags.format === 'json' || flags.format === 'ndjson') await printRecord(terminal, status, flags.format)
    else await printStatus(terminal, client.config.url.value, status, flags.format)
    if (status.ok) return
    const failed = status.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail ?? 'not well'}`)
    throw new Failure(exitCodes.checkFailed, `Not all is well: ${failed.join('; ')}`, {
      hint: 'biwa doctor looks closer.',
    })
  })
}

async function printStatus(terminal: Terminal, url: string, status: Status, format: string | undefined): Promise<void> {
  tell(terminal, `Biwa ${status.version} at ${url}`)
  await printRows(terminal, rowsOf(['name', 'ok', 'detail'], status.checks), format)
  for (const { kind, state, count, oldest_seconds: oldest } of status.jobs ?? []) {
    tell(terminal, `${count} ${kind} jobs ${state}, the oldest for ${oldest.toFixed(1)} s`)
  }
}
